"""Runs the engine over a project until it is done, as a process that can be killed: `python -m tests.engine.drive HOME ID`."""

import sys
from pathlib import Path

from coderai_pipeline.engine.run import Scope, work
from coderai_pipeline.engine.session import open_extractions
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home


def main() -> None:
    home, project_id = sys.argv[1:]
    loaded = Home(Path(home)).project(project_id).load()
    with Control(loaded.folder.state).extracting("driven"), open_extractions(loaded) as extractions:
        for _ in work(loaded, Scope(), extractions, "driven"):
            pass


if __name__ == "__main__":
    main()
