"""Puts TLS before the emulated organisation, for clients that take nothing else.

tls_front.py ORG_URL CERTIFICATE KEY

Opens two ports on 127.0.0.1 and prints them: the first speaks TLS at once; the second is an HTTPS proxy
(CONNECT) that ends TLS itself and leads to the organisation whatever host was asked for, so that clients
with a login host fixed in their code reach it unedited. Bytes pass unread.
"""

import socket
import ssl
import sys
import threading
from urllib.parse import urlsplit

CHUNK = 64 * 1024


def main():
    org = urlsplit(sys.argv[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    backend = (org.hostname, org.port)

    def direct(connection):
        forward(context.wrap_socket(connection, server_side=True), backend)

    def proxy(connection):
        if read_connect(connection):
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            direct(connection)
        else:
            connection.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")

    listeners = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(2)]
    print("listening on", *(listener.getsockname()[1] for listener in listeners), flush=True)
    threads = [
        threading.Thread(target=serve, args=pair) for pair in zip(listeners, (direct, proxy))
    ]
    for thread in threads:
        thread.start()


def serve(listener, handle):
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=guarded, args=(handle, connection), daemon=True).start()


def guarded(handle, connection):
    try:
        with connection:
            handle(connection)
    except OSError as error:
        # A client that hangs up or does not trust the certificate is its own affair.
        print("connection ended:", error, file=sys.stderr, flush=True)


def read_connect(connection):
    """Reads the head of a CONNECT request, and no byte of what follows."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return False
        head += byte
    return head.startswith(b"CONNECT ")


def forward(client, backend):
    with client, socket.create_connection(backend) as org:
        org.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upward = threading.Thread(target=pump, args=(client, org), daemon=True)
        upward.start()
        pump(org, client)


def pump(source, target):
    try:
        while data := source.recv(CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # The other side is gone; closing ends the pump in the other direction too.
        for end in (source, target):
            end.close()


main()
