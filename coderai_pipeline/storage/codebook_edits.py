"""Changes the wording of one variable in codebook.yaml and leaves everything else as people wrote it, byte for byte.

Values are replaced where they stand in the text, or inserted beside the variable's name; the result is read again and has to
say exactly what was wanted and nothing else, or nothing is written.
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# PyYAML's nodes are typed in part only.

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.storage.edited_files import label, read_bytes
from coderai_pipeline.storage.yaml_lines import read_yaml

LINE = 110
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class VariableEdit:
    """New words for a variable. instructions: None = they stay. descriptions: category -> its description. examples: are
    added after those there are, each as codebook.yaml holds it."""

    variable: str
    instructions: str | None = None
    descriptions: Mapping[str, str] | None = None
    examples: Sequence[Mapping[str, JsonValue]] = ()


def edit_codebook(path: Path, edit: VariableEdit) -> bytes:
    """The file's new content; the file itself is left alone. Raises InvalidInput where it cannot be changed safely."""
    if path.suffix != ".yaml":
        raise _refused(path, "is a spreadsheet, which is not changed here; write the new wording into it yourself")
    data = read_bytes(path)
    bom, encoding = next(((bom, name) for bom, name in _BOMS.items() if data.startswith(bom)), (b"", "utf-8"))
    text = data[len(bom) :].decode(encoding)
    wanted = _wanted(text, path, edit)
    changed = _Editor(text).edited(edit)
    try:
        is_right = read_yaml(changed, label(path)).data == wanted
    except InvalidInput:
        is_right = False
    if not is_right:
        raise _refused(
            path, f"{edit.variable} cannot be changed in place (an alias or an unusual style?); write it yourself"
        )
    return bom + changed.encode(encoding)


def _wanted(text: str, path: Path, edit: VariableEdit) -> JsonValue:
    """What the file is to hold after the edit."""
    data = read_yaml(text, label(path)).data
    entries = data.get("variables") if isinstance(data, dict) else None
    listed = entries if isinstance(entries, list) else []
    found = [one for one in listed if isinstance(one, dict) and one.get("name") == edit.variable]
    if len(found) != 1:
        raise _refused(path, f"holds no variable {edit.variable}")
    variable = cast("dict[str, JsonValue]", json.loads(json.dumps(found[0])))
    if edit.instructions is not None:
        variable["instructions"] = edit.instructions
    categories = cast("list[dict[str, JsonValue]]", variable.get("categories") or [])
    for category in categories:
        if str(category["value"]) in (edit.descriptions or {}):
            category["description"] = (edit.descriptions or {})[str(category["value"])]
    if edit.examples:
        held = cast("list[JsonValue]", variable.get("examples") or [])
        variable["examples"] = [*held, *(dict(one) for one in edit.examples)]
    whole = cast("dict[str, JsonValue]", data)
    return {**whole, "variables": [variable if one is found[0] else one for one in listed]}


@dataclass(slots=True)
class _Editor:
    """Puts one piece of text after another in its place, finding the places anew each time."""

    text: str

    def edited(self, edit: VariableEdit) -> str:
        if edit.instructions is not None:
            self._set(self._variable(edit.variable), "instructions", edit.instructions, after="name")
        for value, description in (edit.descriptions or {}).items():
            category = self._category(edit.variable, value)
            if category is not None:
                self._set(category, "description", description, after="value")
        for example in edit.examples:
            self._add_example(self._variable(edit.variable), _flow(example))
        return self.text

    def _variable(self, name: str) -> yaml.MappingNode:
        root = cast("yaml.MappingNode", yaml.compose(self.text, Loader=yaml.SafeLoader))
        entries = cast("yaml.SequenceNode", _value(root, "variables"))
        return next(one for one in _mappings(entries) if _scalar(_value(one, "name")) == name)

    def _category(self, variable: str, value: str) -> yaml.MappingNode | None:
        categories = _value(self._variable(variable), "categories")
        if not isinstance(categories, yaml.SequenceNode):
            return None
        return next((one for one in _mappings(categories) if _scalar(_value(one, "value")) == value), None)

    def _set(self, mapping: yaml.MappingNode, key: str, value: str, *, after: str) -> None:
        node = _value(mapping, key)
        if node is None:
            self._insert(mapping, key, value, after)
            return
        start, end = node.start_mark.index, node.end_mark.index
        end -= len(self.text[start:end]) - len(self.text[start:end].rstrip())
        self._replace(start, end, self._written(mapping, key, value))

    def _insert(self, mapping: yaml.MappingNode, key: str, value: str, after: str) -> None:
        """On a line of its own after the one on which `after` stands; in a mapping on one line, beside it."""
        node = _value(mapping, after)
        assert node is not None, "a variable has a name and a category a value"
        if mapping.flow_style:
            self._replace(node.end_mark.index, node.end_mark.index, f", {key}: {_quoted(value)}")
        else:
            self._insert_line(mapping, node, f"{key}: {self._written(mapping, key, value)}")

    def _insert_line(self, mapping: yaml.MappingNode, node: yaml.Node, line: str) -> None:
        at = self._line_end(node.end_mark.index)
        self._replace(at, at, f"{self._newline}{' ' * _column(mapping)}{line}")

    def _add_example(self, variable: yaml.MappingNode, example: str) -> None:
        examples = _value(variable, "examples")
        items = cast("list[yaml.Node]", examples.value) if isinstance(examples, yaml.SequenceNode) else []
        if examples is None and not variable.flow_style:
            name = _value(variable, "name")
            assert name is not None, "a variable has a name"
            item = f"{self._newline}{' ' * (_column(variable) + 2)}- {example}"
            self._insert_line(variable, name, f"examples:{item}")
        elif examples is None:
            name = _value(variable, "name")
            assert name is not None, "a variable has a name"
            self._replace(name.end_mark.index, name.end_mark.index, f", examples: [{example}]")
        elif not items:
            self._replace(examples.start_mark.index, examples.end_mark.index, f"[{example}]")
        elif isinstance(examples, yaml.CollectionNode) and examples.flow_style:
            self._replace(items[-1].end_mark.index, items[-1].end_mark.index, f", {example}")
        else:
            dash = self.text.rindex("-", 0, items[0].start_mark.index)
            indent = " " * (dash - self.text.rfind("\n", 0, dash) - 1)
            self._append_item(items[-1], f"{indent}- {example}")

    def _append_item(self, last: yaml.Node, line: str) -> None:
        """After the last line of the last item; what comes between it and the next key, such as comments, stays there."""
        end = last.end_mark.index
        end -= len(self.text[:end]) - len(self.text[:end].rstrip())
        at = self._line_end(_last_written(last, end))
        self._replace(at, at, f"{self._newline}{line}")

    def _written(self, mapping: yaml.MappingNode, key: str, value: str) -> str:
        """Quoted on one line, or, where lines may break, folded below the key."""
        quoted = _quoted(value)
        if mapping.flow_style or len(quoted) + _column(mapping) + len(key) < LINE or value != " ".join(value.split()):
            return quoted
        indent = " " * (_column(mapping) + 2)
        lines = textwrap.wrap(value, LINE - len(indent), break_long_words=False, break_on_hyphens=False)
        return ">-" + "".join(f"{self._newline}{indent}{line}" for line in lines)

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _line_end(self, index: int) -> int:
        end = self.text.find("\n", index)
        end = len(self.text) if end < 0 else end
        return end - 1 if end > index and self.text[end - 1] == "\r" else end

    def _replace(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]


def _last_written(node: yaml.Node, end: int) -> int:
    """Where the last scalar of a node ends: a block mapping's own end lies after the comments below it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return min(end, node.end_mark.index)
    parts = cast("list[yaml.Node | tuple[yaml.Node, yaml.Node]]", node.value)
    last = parts[-1] if parts else node
    return _last_written(last[1] if isinstance(last, tuple) else last, end) if parts else end


def _value(mapping: yaml.MappingNode, key: str) -> yaml.Node | None:
    pairs = cast("list[tuple[yaml.Node, yaml.Node]]", mapping.value)
    return next((value for name, value in pairs if _scalar(name) == key), None)


def _mappings(sequence: yaml.SequenceNode) -> list[yaml.MappingNode]:
    return [one for one in cast("list[yaml.Node]", sequence.value) if isinstance(one, yaml.MappingNode)]


def _scalar(node: yaml.Node | None) -> str | None:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def _column(mapping: yaml.MappingNode) -> int:
    first = cast("list[tuple[yaml.Node, yaml.Node]]", mapping.value)[0][0]
    return int(first.start_mark.column)


def _quoted(value: str) -> str:
    """JSON's quoted strings are YAML's, too, save for the line breaks that only YAML knows."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\x85", "\\N").replace("\u2028", "\\L").replace("\u2029", "\\P").replace("\x7f", "\\x7f")


def _flow(example: Mapping[str, JsonValue]) -> str:
    parts = ", ".join(
        f"{key}: {_quoted(value) if isinstance(value, str) else json.dumps(value)}" for key, value in example.items()
    )
    return "{" + parts + "}"


def _refused(path: Path, message: str) -> InvalidInput:
    return InvalidInput([Problem(label(path), None, "", message)])
