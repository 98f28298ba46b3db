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
};
