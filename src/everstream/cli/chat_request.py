"""What the options of `everstream chat` describe: a model stream."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn, TextIO

from everstream import ConfigurationError, RetryPolicy
from everstream.cli.chat_options import ChatOptions
from everstream.cli.option_values import header_fields, is_named, limits, retry_policy, token_in
from everstream.llm import ChatStream
from everstream.llm.request import ATTEMPTS, LONGEST_FLOOR, READ_SECONDS
from everstream.observe.logs import LoggerLike

__all__ = ["chat_stream"]

_KEY_VARIABLE = "OPENAI_API_KEY"
_MODEL_VARIABLE = "OPENAI_MODEL"


def chat_stream(options: ChatOptions, logger: LoggerLike | None) -> ChatStream:
    """Returns the model stream that the options describe; it has not connected yet.

    Raises:
        ConfigurationError: An option cannot work, or there is no prompt.
    """
    headers = header_fields(options.headers or [])
    if options.bearer_env is not None and is_named("authorization", headers):
        raise ConfigurationError("give --bearer-env or an Authorization header, not both")
    return ChatStream(
        options.base_url,
        model=_model(options),
        api_key=_key(options.bearer_env),
        # As requests encodes them again.
        headers={name: value.decode("latin-1") for name, value in headers.items()},
        timeouts=limits(
            {"connect": options.connect_timeout, "read": options.read_timeout}, read=READ_SECONDS
        ),
        retry=_retry(options),
        terminator=options.terminator.value,
        logger=logger,
        # None of them is another argument.
        **_parameters(options.parameters or []),  # type: ignore[arg-type]
        # The last, for it may wait for stdin.
        messages=_messages(options),
    )


def _model(options: ChatOptions) -> str:
    model = options.model or os.environ.get(_MODEL_VARIABLE)
    if not model:
        raise ConfigurationError(f"which model? Give --model NAME, or set {_MODEL_VARIABLE}")
    return _text(model, "--model")


def _retry(options: ChatOptions) -> RetryPolicy:
    policy = retry_policy(options.max_attempts or ATTEMPTS, options.max_delay)
    return replace(policy, max_server_delay=LONGEST_FLOOR) if options.max_delay is None else policy


def _key(variable: str | None) -> str | None:
    if variable is not None:
        return token_in(variable, named_by=f"--bearer-env {variable}").decode("latin-1")
    if os.environ.get(_KEY_VARIABLE, ""):
        return token_in(_KEY_VARIABLE, named_by=_KEY_VARIABLE).decode("latin-1")
    return None


def _parameters(given: Sequence[str]) -> Mapping[str, object]:
    parameters: dict[str, object] = {}
    for text in given:
        name, sign, value = _text(text, "--param").partition("=")
        if not sign or not name:
            raise ConfigurationError("--param takes NAME=JSON, such as temperature=0")
        if name in _TAKEN:
            raise ConfigurationError(f"--param cannot set {name}")
        parameters[name] = _value(value)
    return parameters


_TAKEN = frozenset({*inspect.signature(ChatStream).parameters, "stream"})
"""What is no parameter of the body, or is given in another way."""


def _value(text: str) -> object:
    try:
        value: object = json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return text
    return value


def _no_json(constant: str) -> NoReturn:
    # Python reads NaN and Infinity, which no server does.
    raise ValueError(constant)


def _messages(options: ChatOptions) -> Sequence[Mapping[str, object]]:
    system = () if options.system is None else (("system", _text(options.system, "--system")),)
    said = (*system, ("user", _prompt(options.prompt)))
    return [{"role": role, "content": content} for role, content in said]


def _prompt(given: str | None) -> str:
    prompt = _read(given) if given in (None, "-") else _text(given, "the prompt")
    if not prompt.strip():
        raise ConfigurationError("the prompt is empty")
    return prompt


def _read(given: str | None) -> str:
    # Started with `<&-`, a process has no stdin.
    stdin: TextIO | None = sys.stdin
    if stdin is None or (given is None and stdin.isatty()):
        raise ConfigurationError("what is the prompt? Give it as an argument, or on stdin")
    try:
        return _decoded(stdin.buffer.read(), "the prompt on stdin")
    except OSError as error:
        raise ConfigurationError(f"the prompt cannot be read from stdin: {error.strerror}") from error


def _text(argument: str, what: str) -> str:
    """Returns what was given on the command line as the text that it is, whatever the locale."""
    return _decoded(os.fsencode(argument), what)


def _decoded(text: bytes, what: str) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{what} is no UTF-8") from None
