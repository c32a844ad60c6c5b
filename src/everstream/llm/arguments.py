"""What a caller gives for the body of a request, refused at once if it cannot work."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeAlias, cast

from everstream.core.errors import ConfigurationError

__all__ = ["Conversation", "body_of", "conversation_of", "parameters_of", "require"]

Conversation: TypeAlias = str | Sequence[Mapping[str, object]]
"""Messages, as the API has them; a text is one message of the user."""

_CONVERSATIONS = ("messages", "contents", "input")

_OPTIONS_OF_A_CLIENT = {
    "timeout": "use timeouts=, such as Timeouts(read=60)",
    "max_retries": "use retry=, such as RetryPolicy.attempts(3)",
    "extra_headers": "use headers=",
    "extra_query": "put it into base_url=, behind a ?",
    "extra_body": "give its fields as arguments",
}
"""What the clients of the providers take beside the parameters of the API, and never send by these names."""


def require(**required: object) -> None:
    """Raises `ConfigurationError` if an argument is missing."""
    missing = [f"{name}=" for name, value in required.items() if not value]
    if missing:
        raise ConfigurationError(f"a model stream needs {' and '.join(missing)}")


def conversation_of(messages: Conversation) -> Sequence[Mapping[str, object]]:
    """Returns messages as the API has them."""
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else messages


def body_of(parameters: Mapping[str, object]) -> Mapping[str, object]:
    """Returns the body of a request that is to be streamed; parameters that are None are left out.

    Raises:
        ConfigurationError: It is not to be streamed, or no API could read it.
    """
    return {**parameters_of(parameters), "stream": True}


def parameters_of(parameters: Mapping[str, object]) -> dict[str, object]:
    """Returns the parameters that are not None, without the word for streaming.

    Raises:
        ConfigurationError: As for `body_of`.
    """
    if parameters.get("stream", True) is not True:
        raise ConfigurationError("stream= is always true here")
    for name, value in parameters.items():
        _require_none_of_a_client(name)
        if value is not None:
            _require_kind(name, value)
            _require_json(name, value)
    return {name: value for name, value in parameters.items() if value is not None and name != "stream"}


def _require_none_of_a_client(name: str) -> None:
    if name in _OPTIONS_OF_A_CLIENT:
        raise ConfigurationError(f"{name}= is no parameter of the API: {_OPTIONS_OF_A_CLIENT[name]}")


def _require_kind(name: str, value: object) -> None:
    if name == "model" and not isinstance(value, str):
        raise ConfigurationError(f"model= takes text, not a {type(value).__name__}")
    if name in _CONVERSATIONS and not isinstance(value, str):
        _require_conversation(name, value)


def _require_conversation(name: str, value: object) -> None:
    takes = f"{name}= takes text or a list of mappings"
    if not isinstance(value, (list, tuple)):
        raise ConfigurationError(f"{takes}, not a {type(value).__name__}{_hint_at(value)}")
    for number, item in enumerate(cast("Sequence[object]", value)):
        if not isinstance(item, Mapping):
            raise ConfigurationError(f"{takes}; its item {number} is a {type(item).__name__}{_hint_at(item)}")


def _require_json(name: str, value: object) -> None:
    def refuse(part: object) -> NoReturn:
        kind = type(part).__name__
        raise ConfigurationError(f"{name}= takes what JSON can hold, not a {kind}{_hint_at(part)}")

    try:
        json.dumps(value, allow_nan=False, default=refuse)
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{name}= takes what JSON can hold ({type(error).__name__})") from None


def _hint_at(value: object) -> str:
    """Returns what makes JSON of an object, such as the clients of the providers return."""
    return ": give what its model_dump() returns" if hasattr(value, "model_dump") else ""
