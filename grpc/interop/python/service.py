"""What the two programs share: the modules made out of testing.proto, in a folder for the time."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "..", "proto")


def load():
    """Compiles testing.proto, and gives its messages and its service."""
    folder = tempfile.mkdtemp()
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", PROTO, "--python_out", folder,
         "--grpc_python_out", folder, "testing.proto"],
        check=True,
    )
    sys.path.insert(0, folder)
    import testing_pb2
    import testing_pb2_grpc
    return testing_pb2, testing_pb2_grpc


INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"
DETAILS = "grpc-status-details-bin"
