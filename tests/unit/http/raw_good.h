/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that must be read, and as what. Included by test_http1.c only. */

static const struct good {
    struct raw raw;
    const char *read;
} good[] = {
    {{.why = "what curl sends",
      .bytes = "GET /a?b HTTP/1.1\r\nHost: h:80\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <GET></a?b><><Host><h:80><User-Agent><curl/7.88.1><Accept><*/*>\nEND\n"},
    {{.why = "two in one go",
      .bytes = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <GET></1><><Host><h>\nEND\nHEAD 1.1 0 none 0 keep <GET></2><><Host><h>\nEND\n"},
    {{.why = "a body of known length, and another request after it",
      .bytes =
          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 length 5 keep <POST></><><Host><h><Content-Length><5>\nDATA hello\nEND\n"
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h>\nEND\n"},
    {{.why = "a body of no bytes", .bytes = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
     "HEAD 1.1 0 length 0 keep <POST></><><Host><h><Content-Length><0>\nEND\n"},
    {{.why = "chunks",
      .bytes = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
               "chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"},
     "HEAD 1.1 0 chunked 0 keep <POST></><><Host><h><Transfer-Encoding><chunked>\nDATA abc0123456789\nEND\n"},
    {{.why = "chunks and trailers, then another request",
      .bytes = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC:  d "
               "\r\n\r\n"
               "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 chunked 0 keep <POST></><><Host><h><Transfer-Encoding><Chunked>\nDATA x\nTRAILERS "
     "<A><b><C><d>\nEND\n"
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h>\nEND\n"},
    {{.why = "one empty line before the request", .bytes = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h>\nEND\n"},
    {{.why = "one empty line between requests",
      .bytes =
          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 length 1 keep <POST></><><Host><h><Content-Length><1>\nDATA x\nEND\n"
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h>\nEND\n"},
    {{.why = "no fields", .bytes = "GET / HTTP/1.0\r\n\r\n"}, "HEAD 1.0 0 none 0 drop <GET></><>\nEND\n"},
    {{.why = "HTTP/1.0 that keeps the connection",
      .bytes = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"},
     "HEAD 1.0 0 none 0 keep <GET></><><Connection><Keep-Alive>\nEND\n"},
    {{.why = "close among other options",
      .bytes = "GET / HTTP/1.1\r\nHost: h\r\nConnection: te, Close ,x\r\n\r\n"},
     "HEAD 1.1 0 none 0 drop <GET></><><Host><h><Connection><te, Close ,x>\nEND\n"},
    {{.why = "close wins over keep-alive",
      .bytes = "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"},
     "HEAD 1.0 0 none 0 drop <GET></><><Connection><keep-alive><Connection><close>\nEND\n"},
    {{.why = "empty value, value of spaces, spaces and tabs around a value",
      .bytes = "GET / HTTP/1.1\r\nHost:h\r\nA:\r\nB:  \t \r\nC: \t c d\t \r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h><A><><B><><C><c d>\nEND\n"},
    {{.why = "bytes above ASCII in a value", .bytes = "GET / HTTP/1.1\r\nHost: h\r\nA: \303\204\377\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h><A><\303\204\377>\nEND\n"},
    {{.why = "a tab inside a value, every mark in a name",
      .bytes = "GET / HTTP/1.1\r\nHost: h\r\na!#$%&'*+-.^_`|~1: b\tc\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h><a!#$%&'*+-.^_`|~1><b\tc>\nEND\n"},
    {{.why = "a body that looks like a request",
      .bytes = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\nGET /x HTTP/1.1\r\n\rDELETE / "
               "HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 length 18 keep <PUT></><><Host><h><Content-Length><18>\nDATA GET /x HTTP/1.1\r\n\r\nEND\n"
     "HEAD 1.1 0 none 0 keep <DELETE></><><Host><h>\nEND\n"},
    {{.why = "chunk data that looks like chunks, a size with leading zeros",
      .bytes = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
               "chunked\r\n\r\n0007\r\n0\r\n\r\n0\r\r\n000\r\n\r\n"},
     "HEAD 1.1 0 chunked 0 keep <POST></><><Host><h><Transfer-Encoding><chunked>\nDATA 0\r\n\r\n0\r\nEND\n"},
    {{.why = "CONNECT is read, and left to the guard",
      .bytes = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <CONNECT><h:443><><Host><h:443>\nEND\n"},
    {{.why = "an upgrade that is asked for is a plain request",
      .bytes = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nGET / "
               "HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h><Connection><upgrade><Upgrade><websocket>\nEND\n"
     "HEAD 1.1 0 none 0 keep <GET></><><Host><h>\nEND\n"},
    {{.why = "an upgrade with a chunked body",
      .bytes = "POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: "
               "chunked\r\n\r\n"
               "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 chunked 0 keep "
     "<POST></><><Host><h><Connection><upgrade><Upgrade><h2c><Transfer-Encoding><chunked>\n"
     "DATA x\nEND\nHEAD 1.1 0 none 0 keep <GET></><><Host><h>\nEND\n"},
    {{.why = "a response of known length",
      .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
      .response = true},
     "HEAD 1.1 200 length 2 keep <><><OK><Content-Length><2>\nDATA hi\nEND\n"},
    {{.why = "a chunked response with trailers",
      .bytes =
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n2\r\nhi\r\n0\r\nT: u\r\n\r\n",
      .response = true},
     "HEAD 1.1 200 chunked 0 keep <><><OK><Transfer-Encoding><chunked><Trailer><T>\nDATA hi\nTRAILERS "
     "<T><u>\nEND\n"},
    {{.why = "a response until close",
      .bytes = "HTTP/1.1 200 OK\r\nA: b\r\n\r\nhi\r\n\r\n",
      .response = true},
     "HEAD 1.1 200 close 0 drop <><><OK><A><b>\nDATA hi\r\n\r\n\nEND\n"},
    {{.why = "a response of HTTP/1.0 until close", .bytes = "HTTP/1.0 200 OK\r\n\r\nhi", .response = true},
     "HEAD 1.0 200 close 0 drop <><><OK>\nDATA hi\nEND\n"},
    {{.why = "a response without phrase, and one without the space before it",
      .bytes = "HTTP/1.1 204 \r\n\r\nHTTP/1.1 304\r\n\r\n",
      .response = true},
     "HEAD 1.1 204 none 0 keep <><><>\nEND\nHEAD 1.1 304 none 0 keep <><><>\nEND\n"},
    {{.why = "interim responses before the final one",
      .bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
               "OK\r\nContent-Length: 0\r\n\r\n",
      .response = true},
     "HEAD 1.1 100 none 0 keep <><><Continue>\nEND\nHEAD 1.1 103 none 0 keep <><><Early "
     "Hints><Link><x>\nEND\n"
     "HEAD 1.1 200 length 0 keep <><><OK><Content-Length><0>\nEND\n"},
    {{.why = "304 and 204 have no body whatever they say",
      .bytes = "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No "
               "Content\r\nTransfer-Encoding: chunked\r\n\r\n",
      .response = true},
     "HEAD 1.1 304 none 0 keep <><><Not Modified><Content-Length><9>\nEND\n"
     "HEAD 1.1 204 none 0 keep <><><No Content><Transfer-Encoding><chunked>\nEND\n"},
    {{.why = "the answer to HEAD has no body whatever it says",
      .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
      .response = true,
      .no_body = true},
     "HEAD 1.1 200 none 0 keep <><><OK><Content-Length><9>\nEND\n"},
    {{.why = "the answer to HEAD that says chunked, and the next response",
      .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
               "1\r\n\r\nx",
      .response = true,
      .no_body = true},
     "HEAD 1.1 200 none 0 keep <><><OK><Transfer-Encoding><chunked>\nEND\n"
     "HEAD 1.1 200 length 1 keep <><><OK><Content-Length><1>\nDATA x\nEND\n"},
    {{.why = "CONNECT, whose next bytes are the next message until it is granted",
      .bytes = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <CONNECT><h:443><><Host><h:443>\nEND\nHEAD 1.1 0 none 0 keep <GET></><><Host><h>\nEND\n"},
    {{.why = "CONNECT with a length of nothing",
      .bytes = "CONNECT [::1]:443 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
     "HEAD 1.1 0 length 0 keep <CONNECT><[::1]:443><><Host><h><Content-Length><0>\nEND\n"},
    {{.why = "an absolute target", .bytes = "GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n"},
     "HEAD 1.1 0 none 0 keep <GET><http://h/a?b><><Host><h>\nEND\n"},
    {{.why = "zeros before the size of a chunk",
      .bytes = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000000000000001\r\nx\r\n"
               "000000000000\r\n\r\n"},
     "HEAD 1.1 0 chunked 0 keep <POST></><><Host><h><Transfer-Encoding><chunked>\nDATA x\nEND\n"},
    {{.why = "a switch of protocols that was asked for",
      .bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      .response = true,
      .upgrade = true},
     "HEAD 1.1 101 none 0 drop <><><Switching Protocols><Upgrade><websocket><Connection><Upgrade>\nUPGRADED\n"
     "HTTP/1.1 200 OK\r\n\r\n"},
    {{.why = "a switch of protocols with a body of no bytes",
      .bytes = "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\nx",
      .response = true,
      .upgrade = true},
     "HEAD 1.1 101 none 0 drop <><><S><Upgrade><websocket><Connection><Upgrade><Content-Length><0>\nUPGRADED\nx"},
    {{.why = "a switch of protocols after an interim response",
      .bytes = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nx",
      .response = true,
      .upgrade = true},
     "HEAD 1.1 103 none 0 keep <><><Early Hints>\nEND\n"
     "HEAD 1.1 101 none 0 drop <><><S><Upgrade><websocket><Connection><Upgrade>\nUPGRADED\nx"},
    {{.why = "a switch of protocols that was allowed and did not happen",
      .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
      .response = true,
      .upgrade = true},
     "HEAD 1.1 200 length 1 keep <><><OK><Content-Length><1>\nDATA x\nEND\n"},
};
