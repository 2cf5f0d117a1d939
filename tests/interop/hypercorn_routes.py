"""A server by hypercorn for our client: the routes of `node_routes.mjs`."""


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    path = scope["path"]
    status, fields = 200, []
    if path.startswith("/to/"):
        status, fields = int(path[4:]), [(b"location", b"/hello")]
    elif path not in ("/hello", "/echo", "/trailers"):
        status = 404
    has_trailers = path == "/trailers"
    start = {"type": "http.response.start", "status": status, "headers": fields}
    await send({**start, "trailers": has_trailers})
    goes_on = path == "/echo"
    while goes_on:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        goes_on = event.get("more_body", False)
        await send({"type": "http.response.body", "body": event["body"], "more_body": True})
    body = {"/hello": b"hello", "/trailers": b"body"}.get(path, b"")
    await send({"type": "http.response.body", "body": body})
    if has_trailers:
        await send({"type": "http.response.trailers", "headers": [(b"outcome", b"fine")]})
