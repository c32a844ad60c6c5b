"""The synchronous transport: the only room that knows requests and urllib3.

- `request.py`: the request as the caller described it, prepared anew for each attempt
- `session.py`: a session of our own, whose sockets can be shut down at any moment
- `redirects.py`: where a redirect may go, and what goes along
- `connection.py`: one connection: open, read, and give up from any thread
- `unchunking.py`: many HTTP chunks at a time
- `patience.py`: how long one read may take
- `translation.py`: foreign exceptions into our own
"""

from everstream.transports.sync.connection import (
    Connection,
    Response,
    Transport,
    is_response,
    response_chunks,
)
from everstream.transports.sync.request import (
    Auth,
    AuthSource,
    DataSource,
    Fields,
    FieldsSource,
    RequestTemplate,
    Session,
)

__all__ = [
    "Auth",
    "AuthSource",
    "Connection",
    "DataSource",
    "Fields",
    "FieldsSource",
    "RequestTemplate",
    "Response",
    "Session",
    "Transport",
    "is_response",
    "response_chunks",
]
