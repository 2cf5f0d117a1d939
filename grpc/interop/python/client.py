"""Calls the test service in every way, and fails where an answer is not as it should be.

client.py HOST:PORT [CERTIFICATE-AUTHORITY]
"""

import sys
import threading
import time
from concurrent import futures

import grpc

from service import DETAILS, INITIAL, TRAILING, load

pb, stubs = load()
TIME = 100


def connect(target, *options):
    options = [("grpc.max_receive_message_length", 64 << 20),
               ("grpc.max_send_message_length", 64 << 20), *options]
    if len(sys.argv) > 2:
        credentials = grpc.ssl_channel_credentials(open(sys.argv[2], "rb").read())
        return grpc.secure_channel(target, credentials, options)
    return grpc.insecure_channel(target, options)


channel = connect(sys.argv[1])
stub = stubs.TestServiceStub(channel)


def code_of(call):
    """The status that a call fails with."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("it did not fail")


def empty_unary():
    assert stub.EmptyCall(pb.Empty(), timeout=TIME) == pb.Empty()


def large_unary():
    request = pb.SimpleRequest(response_size=314159, payload=bytes(271828))
    assert stub.UnaryCall(request, timeout=TIME).payload == bytes(314159)


def messages_of_many_sizes():
    for size in [0, 1, 16378, 16379, 16384, 65535, 65536, 3 << 20]:
        request = pb.SimpleRequest(response_size=size, payload=bytes(size))
        assert len(stub.UnaryCall(request, timeout=TIME).payload) == size


def client_compressed_unary():
    request = pb.SimpleRequest(response_size=1000, payload=bytes(271828))
    answer = stub.UnaryCall(request, timeout=TIME, compression=grpc.Compression.Gzip)
    assert len(answer.payload) == 1000


def unknown_compression():
    request = pb.SimpleRequest(payload=bytes(271828))
    code, _ = code_of(
        lambda: stub.UnaryCall(request, timeout=TIME, compression=grpc.Compression.Deflate))
    assert code == grpc.StatusCode.UNIMPLEMENTED, code


def client_streaming():
    requests = (pb.InputRequest(payload=bytes(n)) for n in [27182, 8, 1828, 45904])
    assert stub.StreamingInputCall(requests, timeout=TIME).size == 74922


def server_streaming():
    sizes = [31415, 9, 2653, 58979]
    answers = stub.StreamingOutputCall(pb.OutputRequest(sizes=sizes), timeout=TIME)
    assert [len(answer.payload) for answer in answers] == sizes


def many_messages():
    answers = stub.StreamingOutputCall(pb.OutputRequest(sizes=[100] * 20000), timeout=TIME)
    assert sum(len(answer.payload) for answer in answers) == 2000000
    requests = (pb.InputRequest(payload=bytes(100)) for _ in range(20000))
    assert stub.StreamingInputCall(requests, timeout=TIME).size == 2000000


def ping_pong():
    import queue
    outgoing = queue.Queue()
    answers = stub.FullDuplexCall(iter(outgoing.get, None), timeout=TIME)
    for size in [31415, 9, 2653, 58979]:
        outgoing.put(pb.OutputRequest(sizes=[size], payload=bytes(100)))
        assert len(next(answers).payload) == size
    outgoing.put(None)
    assert list(answers) == []


def empty_stream():
    assert list(stub.FullDuplexCall(iter([]), timeout=TIME)) == []


def custom_metadata():
    metadata = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))
    answer, call = stub.UnaryCall.with_call(pb.SimpleRequest(), metadata=metadata, timeout=TIME)
    assert dict(call.initial_metadata())[INITIAL] == "test_initial_metadata_value"
    assert dict(call.trailing_metadata())[TRAILING] == b"\xab\xab\xab"
    call = stub.FullDuplexCall(iter([pb.OutputRequest(sizes=[1])]), metadata=metadata, timeout=TIME)
    assert len(list(call)) == 1
    assert dict(call.initial_metadata())[INITIAL] == "test_initial_metadata_value"
    assert dict(call.trailing_metadata())[TRAILING] == b"\xab\xab\xab"


def status_code_and_message():
    for message in ["test status message",
                    "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"]:
        status = pb.EchoStatus(code=2, message=message)
        code = code_of(lambda: stub.UnaryCall(pb.SimpleRequest(status=status), timeout=TIME))
        assert code == (grpc.StatusCode.UNKNOWN, message), code
        request = pb.OutputRequest(sizes=[5], status=status)
        code = code_of(lambda: list(stub.StreamingOutputCall(request, timeout=TIME)))
        assert code == (grpc.StatusCode.UNKNOWN, message), code


def status_details():
    # As google.rpc.Status has it: code 5, message "m".
    details = b"\x08\x05\x12\x01m"
    status = pb.EchoStatus(code=5, message="m", details=details)
    try:
        stub.UnaryCall(pb.SimpleRequest(status=status), timeout=TIME)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        assert dict(error.trailing_metadata())[DETAILS] == details, error.trailing_metadata()
    else:
        raise AssertionError("it did not fail")


def unimplemented():
    call = channel.unary_unary("/h2sync.testing.TestService/Nothing")
    assert code_of(lambda: call(b"", timeout=TIME))[0] == grpc.StatusCode.UNIMPLEMENTED
    call = channel.unary_unary("/h2sync.testing.Nothing/Nothing")
    assert code_of(lambda: call(b"", timeout=TIME))[0] == grpc.StatusCode.UNIMPLEMENTED


def cancel_after_first_response():
    stop = threading.Event()

    def requests():
        yield pb.OutputRequest(sizes=[31415])
        stop.wait(TIME)

    call = stub.FullDuplexCall(requests(), timeout=TIME)
    assert len(next(call).payload) == 31415
    call.cancel()
    assert code_of(lambda: next(call))[0] == grpc.StatusCode.CANCELLED
    stop.set()


def timeout_on_sleeping_server():
    request = pb.SimpleRequest(sleep_ms=90000)
    assert code_of(lambda: stub.UnaryCall(request, timeout=0.05))[0] \
        == grpc.StatusCode.DEADLINE_EXCEEDED


def panic():
    code = code_of(lambda: stub.UnaryCall(pb.SimpleRequest(panic=True), timeout=TIME))[0]
    assert code == grpc.StatusCode.INTERNAL, code


def too_large():
    request = pb.SimpleRequest(payload=bytes(5 << 20))
    code = code_of(lambda: stub.UnaryCall(request, timeout=TIME))[0]
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED, code


def malformed():
    call = channel.unary_unary("/h2sync.testing.TestService/UnaryCall")
    assert code_of(lambda: call(b"\xff\xff", timeout=TIME))[0] == grpc.StatusCode.INTERNAL


def many_threads():
    def calls(_):
        for size in range(250):
            answer = stub.UnaryCall(pb.SimpleRequest(response_size=size), timeout=TIME)
            assert len(answer.payload) == size

    with futures.ThreadPoolExecutor(40) as pool:
        list(pool.map(calls, range(40)))


def refused_uploads_beside_a_long_call():
    stop = threading.Event()

    def requests():
        while not stop.is_set():
            yield pb.OutputRequest(sizes=[10])
            time.sleep(0.002)

    call = stub.FullDuplexCall(requests(), timeout=TIME)
    next(call)
    refused = channel.stream_unary("/h2sync.testing.TestService/Nothing")
    for _ in range(300):
        code = code_of(lambda: refused(iter([b"x" * 1000] * 5), timeout=TIME))[0]
        assert code == grpc.StatusCode.UNIMPLEMENTED, code
        next(call)
    stop.set()
    for _ in call:
        pass


def health():
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    health = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service="")
    serving = health_pb2.HealthCheckResponse.SERVING
    assert health.Check(request, timeout=TIME).status == serving
    watch = health.Watch(request, timeout=TIME)
    assert next(watch).status == serving
    watch.cancel()
    unknown = health_pb2.HealthCheckRequest(service="nothing")
    assert code_of(lambda: health.Check(unknown, timeout=TIME))[0] == grpc.StatusCode.NOT_FOUND


def reflection():
    from google.protobuf.descriptor_pool import DescriptorPool
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import \
        ProtoReflectionDescriptorDatabase
    database = ProtoReflectionDescriptorDatabase(channel)
    assert "h2sync.testing.TestService" in database.get_services()
    service = DescriptorPool(database).FindServiceByName("h2sync.testing.TestService")
    assert [method.name for method in service.methods][:2] == ["EmptyCall", "UnaryCall"]


for case in [empty_unary, large_unary, messages_of_many_sizes, client_compressed_unary,
             unknown_compression, client_streaming, server_streaming, many_messages, ping_pong,
             empty_stream, custom_metadata, status_code_and_message, status_details,
             unimplemented, cancel_after_first_response, timeout_on_sleeping_server, panic, too_large, malformed,
             many_threads, refused_uploads_beside_a_long_call, health, reflection]:
    start = time.monotonic()
    case()
    print(f"{case.__name__}: {time.monotonic() - start:.2f} s", flush=True)
channel.close()
