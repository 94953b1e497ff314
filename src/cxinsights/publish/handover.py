"""Hand new connections to the server that takes over: none is lost between the two.

Linux gives each new connection to one of the servers that listen on a port, and drops those that wait in the queue of
one that stops listening. Whoever stops asks it to choose the other one first, and takes what is in its queue.
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress

__all__ = ["pass_on"]

_SO_ATTACH_REUSEPORT_CBPF = 51
_RETURN = 0x06  # BPF_RET | BPF_K
_NEXT = 1  # of two that listen the older has number 0; where there is no other, Linux takes what there is


def pass_on(sockets: Iterable[socket.socket]) -> None:
    """Have new connections go to the server that listens beside this one by now; elsewhere than on Linux, nothing."""
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, _NEXT))
    told = struct.pack("HP", 1, ctypes.addressof(program))
    for one in sockets:
        if one.family != getattr(socket, "AF_UNIX", None):
            with suppress(OSError):  # a kernel that has none: as before
                one.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, told)
