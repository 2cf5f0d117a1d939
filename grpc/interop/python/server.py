"""The test service in Python.

server.py PORT [gzip] [CERTIFICATE KEY]
"""

import sys
import time
from concurrent import futures

import grpc

from service import DETAILS, INITIAL, TRAILING, load

pb, stubs = load()


class Service(stubs.TestServiceServicer):
    def echo(self, context):
        initial, trailing = [], []
        for key, value in context.invocation_metadata():
            if key == INITIAL:
                initial.append((key, value))
            if key == TRAILING:
                trailing.append((key, value))
        if initial:
            context.send_initial_metadata(initial)
        context.set_trailing_metadata(trailing)

    def fail_as_asked(self, request, context):
        if request.HasField("status") and request.status.code:
            code = next(c for c in grpc.StatusCode if c.value[0] == request.status.code)
            if request.status.details:
                context.set_trailing_metadata([(DETAILS, request.status.details)])
            context.abort(code, request.status.message)

    def EmptyCall(self, request, context):
        self.echo(context)
        return request

    def UnaryCall(self, request, context):
        self.echo(context)
        left = context.time_remaining()
        time.sleep(request.sleep_ms / 1000)
        self.fail_as_asked(request, context)
        left = int(left * 1000) if left and left < 1e9 else 0
        return pb.SimpleResponse(payload=bytes(request.response_size), time_left_ms=left)

    def outputs(self, request, context):
        for size in request.sizes:
            time.sleep(request.sleep_ms / 1000)
            yield pb.OutputResponse(payload=bytes(size))
        self.fail_as_asked(request, context)

    def StreamingOutputCall(self, request, context):
        self.echo(context)
        yield from self.outputs(request, context)

    def StreamingInputCall(self, requests, context):
        self.echo(context)
        return pb.InputResponse(size=sum(len(request.payload) for request in requests))

    def FullDuplexCall(self, requests, context):
        self.echo(context)
        for request in requests:
            yield from self.outputs(request, context)


compression = grpc.Compression.Gzip if "gzip" in sys.argv else grpc.Compression.NoCompression
files = [argument for argument in sys.argv[2:] if argument != "gzip"]
server = grpc.server(
    futures.ThreadPoolExecutor(max_workers=40),
    options=[("grpc.max_receive_message_length", 64 << 20),
             ("grpc.max_send_message_length", 64 << 20)],
    compression=compression,
)
stubs.add_TestServiceServicer_to_server(Service(), server)
if files:
    certificate, key = (open(path, "rb").read() for path in files)
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    server.add_secure_port("127.0.0.1:" + sys.argv[1], credentials)
else:
    server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
