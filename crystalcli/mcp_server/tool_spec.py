"""Specification of a tool: its name, its parameters as a JSON schema, and checks of arguments.

Parameters are flat strings and integers without unions, which every client and model can write.
What is wrong with arguments is said in a sentence that a model can act on.

Knows: JSON values. Does not know: crystals, the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from crystalcli.errors import UsageError

if TYPE_CHECKING:
    from crystalcli.library import Crystal

Arguments: TypeAlias = Mapping[str, Any]  # a str or an int for each parameter of the tool


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a tool.

    Attributes:
        name: Its name.
        kind: Its JSON type.
        description: Its meaning, for the model.
        default: Its value where none is given; None: it is required.
    """

    name: str
    kind: Literal["string", "integer"]
    description: str
    default: str | int | None

    def value_of(self, value: Any, tool: str) -> str | int:
        """Take an argument, also in another form than the schema's that means the same.

        Raises:
            UsageError: It is not of this kind.
        """
        if self.kind == "integer":
            if isinstance(value, str) and value.strip().removeprefix("-").isdecimal():
                return int(value)
            if (isinstance(value, int) and not isinstance(value, bool)) or (
                isinstance(value, float) and value.is_integer()
            ):
                return int(value)
        elif isinstance(value, str):
            return value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            return ", ".join(value)
        article = "an" if self.kind == "integer" else "a"
        raise UsageError(f"{tool}: {self.name} has to be {article} {self.kind}, got {value!r:.60}")


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool.

    Attributes:
        name: Its name.
        description: What it does and when to use it, for the model.
        parameters: Its parameters.
        run: Carries it out on an open crystal, and gives a text.
        writes: Whether it changes the crystal.
    """

    name: str
    description: str
    parameters: Sequence[Parameter]
    run: Callable[[Crystal, Arguments], str]
    writes: bool = False

    @property
    def input_schema(self) -> dict[str, Any]:
        """The JSON schema of its arguments."""
        return {
            "type": "object",
            "properties": {
                parameter.name: {"type": parameter.kind, "description": parameter.description}
                for parameter in self.parameters
            },
            "required": [parameter.name for parameter in self.parameters if parameter.default is None],
        }

    def check(self, arguments: Mapping[str, Any] | None) -> dict[str, str | int]:
        """Check the arguments of a call, and fill in defaults.

        Raises:
            UsageError: An argument is missing, unknown or of another type.
        """
        given = {name: value for name, value in (arguments or {}).items() if value is not None}
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                hint = nearest_hint(name, list(known)) or f"; it takes {', '.join(known)}"
                raise UsageError(f"{self.name} has no argument {name!r:.60}{hint}")
        checked: dict[str, str | int] = {}
        for parameter in self.parameters:
            if parameter.name in given:
                checked[parameter.name] = parameter.value_of(given[parameter.name], self.name)
            elif parameter.default is None:
                raise UsageError(f"{self.name} needs {parameter.name}: {parameter.description}")
            else:
                checked[parameter.name] = parameter.default
        return checked


def nearest_hint(name: str, known: Sequence[str]) -> str:
    """Name what was probably meant, as the end of a sentence; "" where nothing is near."""
    near = get_close_matches(name.lower(), known, 1, 0.5)
    return f"; nearest: {', '.join(near)}" if near else ""
