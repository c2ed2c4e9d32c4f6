"""What Dagster loads: the projects found in the home folder, as definitions. The only wiring."""

from coderai_pipeline import telemetry
from coderai_pipeline.defs.factory import definitions_of
from coderai_pipeline.storage.projects import Home, find_home

telemetry.set_up()
defs = definitions_of(Home(find_home()))
