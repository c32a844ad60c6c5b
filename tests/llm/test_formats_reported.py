"""What providers say when something is wrong, in whose shape so ever."""

from __future__ import annotations

import json
from typing import Any

import pytest

from everstream import ContentTypeRejected, ProviderError, RedirectRejected, StatusRejected
from everstream.core.headers import Headers
from everstream.llm.formats.reported import error_of, refused, reported

OPENAI_401 = {
    "error": {"message": "Incorrect API key", "type": "invalid_request_error", "code": "invalid_api_key"}
}
QUOTA = {
    "error": {
        "message": "You exceeded your quota",
        "type": "insufficient_quota",
        "code": "insufficient_quota",
    }
}
AS_IF_NOT_ASKED = (
    "the server answered 200 OK with application/json, not text/event-stream, "
    "as if it had not been asked to stream; it said: [1]"
)
GOOGLE_429 = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}


def rejected(status: int, body: object = b"", **headers: str) -> StatusRejected:
    """Returns a refused response; names of headers have underscores here."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    excerpt = body if isinstance(body, bytes) else json.dumps(body).encode()
    return StatusRejected(status=status, headers=Headers(fields), body_excerpt=excerpt[:1024])


def unexpected(body: bytes, content_type: str = "application/json") -> ContentTypeRejected:
    """Returns a response that is well, but no stream."""
    return ContentTypeRejected(
        status=200, headers=Headers({"Content-Type": content_type}), body_excerpt=body[:1024]
    )


def facts(error: ProviderError) -> tuple[object, ...]:
    """Returns what an error tells."""
    return error.status, error.type, error.code, error.message


class TestInAStream:
    @pytest.mark.parametrize(
        ("error", "told"),
        [
            ({"message": "no", "type": "server_error", "code": None}, (None, "server_error", None, "no")),
            ({"message": "no", "code": 502}, (502, None, None, "no")),
            ({"message": "no", "code": "502", "type": "None"}, (502, "None", "502", "no")),
            ({"message": "no", "code": "rate_limit_exceeded"}, (None, None, "rate_limit_exceeded", "no")),
            ({"message": "no", "status": "UNAVAILABLE", "code": 503}, (503, "UNAVAILABLE", None, "no")),
            ({"message": "no", "status_code": 400}, (400, None, None, "no")),
            ({"error": "no", "error_type": "overloaded"}, (None, "overloaded", None, "no")),
            ({"detail": "no"}, (None, None, None, "no")),
            ("no", (None, None, None, "no")),
            ({"message": "no", "code": 1234}, (None, None, None, "no")),
            ({"message": "no", "code": 4.5, "type": ["odd"]}, (None, None, None, "no")),
            ({"message": ["odd"], "code": True}, (None, None, None, "")),
            (None, (None, None, None, "")),
            ([], (None, None, None, "")),
        ],
        ids=repr,
    )
    def test_errors_tell_what_they_can(self, error: object, told: tuple[object, ...]) -> None:
        """A number, or digits, are a status if they can be one."""
        assert facts(reported(error)) == told

    @pytest.mark.parametrize(
        ("error", "retryable"),
        [
            ({"type": "overloaded_error"}, True),
            ({"type": "api_error"}, True),
            ({"code": "rate_limit_exceeded"}, True),
            ({"status": "RESOURCE_EXHAUSTED"}, True),
            ({"code": 529}, True),
            ({"code": "500"}, True),
            ({"code": 400, "type": "server_error"}, False),
            ({"type": "invalid_request_error"}, False),
            ({"code": "insufficient_quota", "type": "rate_limit_error"}, False),
            ({"code": 429, "type": "insufficient_quota"}, False),
            ({"message": "overloaded_error"}, False),
            ({}, False),
        ],
        ids=repr,
    )
    def test_a_status_says_whether_to_try_again_and_without_one_the_words_do(
        self, error: dict[str, object], retryable: bool
    ) -> None:
        """No wait helps an account without money, whatever the status."""
        assert reported(error).retryable is retryable

    @pytest.mark.parametrize(
        ("payload", "error"),
        [
            ({"error": {"message": "no"}, "code": 1}, {"message": "no"}),
            ({"error": [{"message": "no"}]}, {"message": "no"}),
            ({"error": "no", "code": 1}, {"error": "no", "code": 1}),
            ({"message": "no"}, {"message": "no"}),
        ],
        ids=repr,
    )
    def test_beside_a_text_there_may_be_more(self, payload: dict[str, object], error: object) -> None:
        """An object in the place of an error is all of it."""
        assert error_of(payload) == error

    def test_a_long_text_takes_no_longer_than_a_short_one(self) -> None:
        """Only its beginning is looked at: markup that is never closed would take minutes."""
        assert reported("overload" + "<script>" * 131_072 + "late").message == "overload"


class TestRefusedResponses:
    @pytest.mark.parametrize(
        ("response", "told"),
        [
            (
                rejected(401, OPENAI_401),
                (401, "invalid_request_error", "invalid_api_key", "Incorrect API key"),
            ),
            (
                rejected(
                    529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
                ),
                (529, "overloaded_error", None, "Overloaded"),
            ),
            (rejected(429, GOOGLE_429), (429, "RESOURCE_EXHAUSTED", None, "Quota exceeded")),
            (rejected(429, [GOOGLE_429]), (429, "RESOURCE_EXHAUSTED", None, "Quota exceeded")),
            (rejected(404, {"detail": "Not Found"}), (404, None, None, "Not Found")),
            (
                rejected(
                    422, {"detail": [{"loc": ["body"], "msg": "Field required"}, {"msg": "Too long"}, None]}
                ),
                (422, None, None, "Field required; Too long"),
            ),
            (
                rejected(400, {"object": "error", "message": "no", "type": "BadRequestError", "code": 400}),
                (400, "BadRequestError", None, "no"),
            ),
            (rejected(404, {"error": "model 'm' not found"}), (404, None, None, "model 'm' not found")),
            (rejected(500, b"Internal Server Error"), (500, None, None, "Internal Server Error")),
            (
                rejected(
                    502, b"<html><style>b {}</style><script>1</script>\n<h1>502</h1> Bad <b>Gateway</b>"
                ),
                (502, None, None, "502 Bad Gateway"),
            ),
            (rejected(503), (503, None, None, "the server answered 503 Service Unavailable")),
            (rejected(400, {"a": 1}), (400, None, None, '{"a": 1}')),
            (rejected(400, b'"no"'), (400, None, None, '"no"')),
            (rejected(400, b"\xff\x00"), (400, None, None, "\ufffd\x00")),
            (rejected(400, b"[" * 1000), (400, None, None, "[" * 297 + "...")),
        ],
    )
    def test_what_the_server_said_is_told(self, response: StatusRejected, told: tuple[object, ...]) -> None:
        """In JSON, plain text or HTML."""
        assert facts(refused(response)) == told

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b'data: {"error": {"message": "no", "code": "500"}}\n\ndata: [DONE]\n\n', ("500", "no")),
            (b': hi\r\nevent: error\r\ndata:{"error": {"message": "no"}}\r\n\r\n', (None, "no")),
            (b'data: {"error": {"message": "no, ' + b"x" * 2000, (None, "no, " + "x" * 991 + "...")),
            (b"data: Internal Server Error\n\n", (None, "Internal Server Error")),
            (b"data:\n\n", (None, "the server answered 500 Internal Server Error")),
            (b"the data: none", (None, "the data: none")),
        ],
    )
    def test_the_body_may_be_a_stream_of_its_own(self, body: bytes, told: tuple[str | None, str]) -> None:
        """Whose first data is what the server said."""
        error = refused(rejected(500, body))
        assert (error.status, error.code, error.message) == (500, *told)

    def test_what_was_refused_is_the_cause(self) -> None:
        """All headers are there."""
        response = rejected(500, X_Request_Id="1")
        assert refused(response).__cause__ is response

    def test_an_error_that_is_too_long_is_read_as_far_as_it_goes(self) -> None:
        """Only the first KiB is known; Google's are often longer."""
        torn = rejected(429, [{"error": {**GOOGLE_429["error"], "details": ["x" * 2000]}}])
        assert facts(refused(torn)) == (429, "RESOURCE_EXHAUSTED", None, "Quota exceeded")

    def test_a_message_that_is_too_long_is_cut(self) -> None:
        """What came before it still counts."""
        error = refused(
            rejected(429, {"error": {"code": "insufficient_quota", "message": 'é"' + "x" * 2000}})
        )
        assert error.code == "insufficient_quota"
        assert error.message.startswith('é"xxx')
        assert error.message.endswith("x...")
        assert not error.retryable

    @pytest.mark.parametrize(
        "body", [b'{"error": {"message": 7, "x', b'{"error', b'{"a": "', b'{"error": {"code": "\\']
    )
    def test_what_cannot_be_read_is_shown_as_it_is(self, body: bytes) -> None:
        """It is all that there is."""
        assert refused(rejected(400, body)).message == body.decode()

    @pytest.mark.parametrize(
        ("response", "retryable"),
        [
            *((rejected(code, {}), True) for code in (408, 425, 429, 500, 502, 503, 504, 529)),
            *((rejected(code, {}), False) for code in (400, 401, 403, 404, 405, 413, 422, 501)),
            (rejected(429, QUOTA), False),
            (rejected(500, {}, x_should_retry="false"), False),
            (rejected(400, {}, x_should_retry="true"), True),
            (rejected(400, {}, X_Should_Retry="TRUE"), True),
            (rejected(500, {}, x_should_retry="perhaps"), True),
        ],
    )
    def test_whether_to_try_again(self, response: StatusRejected, retryable: bool) -> None:
        """The server's own advice counts most."""
        assert refused(response).retryable is retryable

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"retry_after_ms": "1500"}, 1.5),
            ({"retry_after_ms": "0"}, 0.0),
            ({"retry_after_ms": "-1"}, 7.0),
            ({"retry_after_ms": "9" * 50}, 7.0),
            ({"retry_after_ms": "soon"}, 7.0),
            ({}, 7.0),
        ],
    )
    def test_how_long_to_wait(self, headers: dict[str, str], seconds: float) -> None:
        """Milliseconds are finer than seconds; what is none is passed over."""
        response = rejected(429, {}, **headers)
        response.retry_after = 7.0
        assert refused(response).retry_after == seconds

    def test_a_redirect_says_why_it_was_not_followed(self) -> None:
        """There is nothing else to tell."""
        response = RedirectRejected(status=308, reason="there is no Location")
        assert refused(response).message == str(response)


class TestResponsesThatAreNoStream:
    @pytest.mark.parametrize(
        ("response", "message"),
        [
            (
                unexpected(b"<html><title>Login</title></html>", "text/html"),
                "the server answered 200 OK with text/html, not text/event-stream; it said: Login",
            ),
            (
                unexpected(b"[1]"),
                AS_IF_NOT_ASKED,
            ),
            (
                unexpected(b'data: {"id": 1}', "text/plain"),
                'the server answered 200 OK with text/plain, not text/event-stream; it said: data: {"id": 1}',
            ),
            (
                unexpected(b"", "text/plain"),
                "the server answered 200 OK with text/plain, not text/event-stream; it said: nothing",
            ),
        ],
    )
    def test_what_came_instead_is_told(self, response: ContentTypeRejected, message: str) -> None:
        """A page, or a whole answer."""
        error = refused(response)
        assert (error.message, error.status, error.retryable) == (message, 200, False)

    def test_an_answer_that_is_too_long_for_an_excerpt_is_known_by_its_type(self) -> None:
        """It is no page."""
        body = json.dumps({"choices": [{"message": {"content": "x" * 2000}}]}).encode()
        assert "as if it had not been asked to stream" in refused(unexpected(body)).message

    @pytest.mark.parametrize(
        ("body", "status", "retryable"),
        [
            ({"error": {"message": "no", "code": 502}}, 502, True),
            ({"error": {"message": "no", "type": "overloaded_error"}}, None, True),
            ({"error": {"message": "no"}}, None, False),
            ({"error": "no"}, None, False),
        ],
    )
    def test_an_error_with_status_200_is_the_error(
        self, body: dict[str, Any], status: int | None, retryable: bool
    ) -> None:
        """And its own status counts, though it be in an event."""
        said = json.dumps(body).encode()
        for response in (unexpected(said), unexpected(b"data: " + said + b"\n\n", "text/plain")):
            error = refused(response)
            assert (error.message, error.status, error.retryable) == ("no", status, retryable)
