"""The answers of models, on top of a stream: text, thinking, tool calls, usage, and endings to trust.

    from everstream.llm import ChatStream

    with ChatStream(model="gpt-4o-mini", messages="Why is the sky blue?") as stream:
        for text in stream:
            print(text, end="", flush=True)

- `chat.py`, `messages.py`, `responses.py`, `generate_content.py`: a class for each API, with its arguments
- `stream.py`: what they have in common: an event source whose events make an answer
- `formats/`: what the payloads of each API mean, as pure functions of a payload
- `answer.py`, `deltas.py`: what is put together, and from what
- `request.py`: where, with which key

Rule: the floors below learn nothing of models. What they have to know, which events are errors, progress or
the end, they ask by functions.
"""

from everstream.core.errors import AnswerIncomplete, ProviderError
from everstream.llm.answer import Choice, ToolCall
from everstream.llm.chat import ChatStream, stream_chat_completion
from everstream.llm.deltas import Delta, TextDelta, ToolCallDelta
from everstream.llm.generate_content import GenerateContentStream
from everstream.llm.messages import MessagesStream
from everstream.llm.responses import ResponsesStream
from everstream.llm.stream import ModelStream

__all__ = [
    "AnswerIncomplete",
    "ChatStream",
    "Choice",
    "Delta",
    "GenerateContentStream",
    "MessagesStream",
    "ModelStream",
    "ProviderError",
    "ResponsesStream",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "stream_chat_completion",
]
