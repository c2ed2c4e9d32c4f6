"""Changes variables in codebook.yaml, or adds some, and leaves everything else as people wrote it, byte for byte.

Values are replaced where they stand in the text, or inserted beside the variable's name; the result is read again and has to
say exactly what was wanted and nothing else, or nothing is written.
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# PyYAML's nodes are typed in part only.

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Codebook
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.storage.edited_files import label, read_bytes
from coderai_pipeline.storage.settings_files import save_codebook_yaml
from coderai_pipeline.storage.yaml_lines import LOADER, read_yaml

LINE = 110
_WORDS = ("type", "level", "if_multiple", "if_uncertain")
"""Keys whose values are plain words, which need no quotes."""
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class VariableEdit:
    """New words for a variable. instructions: None = they stay. descriptions: category -> its description. examples: are
    added after those there are, each as codebook.yaml holds it. values: other keys, each set to text, a number or true/false.
    more: entries added to other lists (labels, categories)."""

    variable: str
    instructions: str | None = None
    descriptions: Mapping[str, str] | None = None
    examples: Sequence[Mapping[str, JsonValue]] = ()
    values: Mapping[str, str | float | bool] = field(default_factory=dict[str, str | float | bool])
    more: Mapping[str, Sequence[JsonValue]] = field(default_factory=dict[str, Sequence[JsonValue]])

    @property
    def added(self) -> dict[str, list[JsonValue]]:
        """Every list that grows."""
        of_examples = {"examples": [*map(dict, self.examples)]} if self.examples else {}
        return cast(
            "dict[str, list[JsonValue]]", {**of_examples, **{key: [*items] for key, items in self.more.items()}}
        )


def edit_codebook(path: Path, *edits: VariableEdit, added: Codebook | None = None) -> bytes:
    """The file's new content, `added` after the variables there are; the file itself is left alone.

    Raises InvalidInput where it cannot be changed safely.
    """
    if path.suffix != ".yaml":
        raise _refused(path, "is a spreadsheet, which is not changed here; write the new wording into it yourself")
    data = read_bytes(path)
    bom, encoding = next(((bom, name) for bom, name in _BOMS.items() if data.startswith(bom)), (b"", "utf-8"))
    text = data[len(bom) :].decode(encoding)
    new = save_codebook_yaml(added) if added else ""
    wanted = _wanted(text, path, edits, new)
    editor = _Editor(text)
    for edit in edits:
        editor.edit(edit)
    if new:
        editor.add_variables(new.partition("\n")[2])
    changed = editor.text
    try:
        is_right = read_yaml(changed, label(path)).data == wanted
    except InvalidInput:
        is_right = False
    if not is_right:
        what = ", ".join(edit.variable for edit in edits) or "the list of variables"
        raise _refused(path, f"{what} cannot be changed in place (an alias or an unusual style?); write it yourself")
    return bom + changed.encode(encoding)


def _wanted(text: str, path: Path, edits: Sequence[VariableEdit], new: str) -> JsonValue:
    """What the file is to hold after the edits."""
    data = read_yaml(text, label(path)).data
    whole = cast("dict[str, JsonValue]", data if isinstance(data, dict) else {})
    entries = whole.get("variables")
    listed = entries if isinstance(entries, list) else []
    for edit in edits:
        listed = _edited(listed, path, edit)
    more = cast("dict[str, list[JsonValue]]", read_yaml(new, label(path)).data)["variables"] if new else []
    return {**whole, "variables": [*listed, *more]}


def _edited(listed: Sequence[JsonValue], path: Path, edit: VariableEdit) -> list[JsonValue]:
    found = [one for one in listed if isinstance(one, dict) and one.get("name") == edit.variable]
    if len(found) != 1:
        raise _refused(path, f"holds no variable {edit.variable}")
    variable = cast("dict[str, JsonValue]", json.loads(json.dumps(found[0])))
    if edit.instructions is not None:
        variable["instructions"] = edit.instructions
    if edit.descriptions:
        listed_categories = cast("list[JsonValue]", variable.get("categories") or [])
        variable["categories"] = [_described(category, edit.descriptions) for category in listed_categories]
    for key, items in edit.added.items():
        variable[key] = [*cast("list[JsonValue]", variable.get(key) or []), *items]
    variable |= edit.values
    return [variable if one is found[0] else one for one in listed]


def _described(category: JsonValue, descriptions: Mapping[str, str]) -> JsonValue:
    """With its new description, if there is one; a value that stands alone then becomes keys with values."""
    keys = category if isinstance(category, dict) else {"value": category}
    description = descriptions.get(str(keys["value"]))
    return category if description is None else {**keys, "description": description}


@dataclass(slots=True)
class _Editor:
    """Puts one piece of text after another in its place, finding the places anew each time."""

    text: str

    def edit(self, edit: VariableEdit) -> None:
        if edit.instructions is not None:
            self._set(self._variable(edit.variable), "instructions", edit.instructions, after="name")
        for value, description in (edit.descriptions or {}).items():
            category = self._category(edit.variable, value)
            if isinstance(category, yaml.MappingNode):
                self._set(category, "description", description, after="value")
            elif category is not None:
                start, end = category.start_mark.index, category.end_mark.index
                self._replace(start, end, _flow({"value": value, "description": description}))
        for key, value in edit.values.items():
            self._set(self._variable(edit.variable), key, value, after="name")
        for key, items in edit.added.items():
            for item in items:
                self._add_item(self._variable(edit.variable), key, _flow(item))

    def add_variables(self, block: str) -> None:
        """After the last one. block: entries of a list, not indented."""
        root = cast("yaml.MappingNode", yaml.compose(self.text, Loader=LOADER))
        entries = _value(root, "variables")
        assert isinstance(entries, yaml.SequenceNode), "a codebook has variables"
        items = cast("list[yaml.Node]", entries.value)
        if entries.flow_style:
            new = cast("list[JsonValue]", read_yaml(block, "").data)
            at = items[-1].end_mark.index
            self._replace(at, at, "".join(f", {_flow(item)}" for item in new))
            return
        indent = self._indent_of(items[0])
        lines = [f"{indent}{line}" if line else "" for line in block.rstrip("\n").split("\n")]
        self._append_item(items[-1], self._newline.join(["", *lines]))

    def _variable(self, name: str) -> yaml.MappingNode:
        root = cast("yaml.MappingNode", yaml.compose(self.text, Loader=LOADER))
        entries = cast("yaml.SequenceNode", _value(root, "variables"))
        return next(one for one in _mappings(entries) if _scalar(_value(one, "name")) == name)

    def _category(self, variable: str, value: str) -> yaml.Node | None:
        """The keys of a category, or its value where that stands alone."""
        categories = _value(self._variable(variable), "categories")
        listed = cast("list[yaml.Node]", categories.value) if isinstance(categories, yaml.SequenceNode) else []
        values = [_scalar(_value(one, "value") if isinstance(one, yaml.MappingNode) else one) for one in listed]
        return listed[values.index(value)] if value in values else None

    def _set(self, mapping: yaml.MappingNode, key: str, value: str | float | bool, *, after: str) -> None:
        node = _value(mapping, key)
        if node is None:
            self._insert(mapping, key, value, after)
            return
        start, end = node.start_mark.index, node.end_mark.index
        end -= len(self.text[start:end]) - len(self.text[start:end].rstrip())
        self._replace(start, end, self._written(mapping, key, value))

    def _insert(self, mapping: yaml.MappingNode, key: str, value: str | float | bool, after: str) -> None:
        """On a line of its own after the one on which `after` stands; in a mapping on one line, beside it."""
        node = _value(mapping, after)
        assert node is not None, "a variable has a name and a category a value"
        if mapping.flow_style:
            self._replace(node.end_mark.index, node.end_mark.index, f", {key}: {self._written(mapping, key, value)}")
        else:
            self._insert_line(mapping, node, f"{key}: {self._written(mapping, key, value)}")

    def _insert_line(self, mapping: yaml.MappingNode, node: yaml.Node, line: str) -> None:
        at = self._line_end(node.end_mark.index)
        self._replace(at, at, f"{self._newline}{' ' * _column(mapping)}{line}")

    def _add_item(self, variable: yaml.MappingNode, key: str, item: str) -> None:
        """One more entry of a variable's list, in the list's own style."""
        node = _value(variable, key)
        items = cast("list[yaml.Node]", node.value) if isinstance(node, yaml.SequenceNode) else []
        if node is None:
            name = _value(variable, "name")
            assert name is not None, "a variable has a name"
            if variable.flow_style:
                self._replace(name.end_mark.index, name.end_mark.index, f", {key}: [{item}]")
            else:
                self._insert_line(variable, name, f"{key}:{self._newline}{' ' * (_column(variable) + 2)}- {item}")
        elif not items:
            self._replace(node.start_mark.index, node.end_mark.index, f"[{item}]")
        elif isinstance(node, yaml.CollectionNode) and node.flow_style:
            self._replace(items[-1].end_mark.index, items[-1].end_mark.index, f", {item}")
        else:
            self._append_item(items[-1], f"{self._indent_of(items[0])}- {item}")

    def _indent_of(self, item: yaml.Node) -> str:
        """The space before the dash of a list's entry."""
        dash = self.text.rindex("-", 0, item.start_mark.index)
        return " " * (dash - self.text.rfind("\n", 0, dash) - 1)

    def _append_item(self, last: yaml.Node, line: str) -> None:
        """After the last line of the last item; what comes between it and the next key, such as comments, stays there."""
        end = last.end_mark.index
        end -= len(self.text[:end]) - len(self.text[:end].rstrip())
        at = self._line_end(_last_written(last, end))
        self._replace(at, at, f"{self._newline}{line}")

    def _written(self, mapping: yaml.MappingNode, key: str, value: str | float | bool) -> str:
        """Quoted on one line, or, where lines may break, folded below the key."""
        if key in _WORDS:
            return str(value)
        if not isinstance(value, str):
            return _flow(value)
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


def _flow(value: JsonValue) -> str:
    """On one line, every text in quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _refused(path: Path, message: str) -> InvalidInput:
    return InvalidInput([Problem(label(path), None, "", message)])
