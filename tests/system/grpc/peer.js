// SPDX-License-Identifier: Apache-2.0
// Both ends of the calls in test_grpc.py, with @grpc/grpc-js and messages as plain bytes.
// usage: peer.js serve PORT         prints "ready"
//        peer.js call ADDRESS       runs every call and prints one JSON object with what came of each
//        peer.js ask ADDRESS        the first call alone
"use strict";
const grpc = require("@grpc/grpc-js");

const same = (value) => value;
const method = (name, requestStream, responseStream) => ({
  path: name, requestStream, responseStream, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same });
const calls = {
  Unary: method("/test.Echo/Unary", false, false),
  Fail: method("/test.Echo/Fail", false, false),
  Slow: method("/test.Echo/Slow", false, false),
  Cancelled: method("/test.Echo/Cancelled", false, false),
  Upload: method("/test.Echo/Upload", true, false),
  Download: method("/test.Echo/Download", false, true),
  FailLate: method("/test.Echo/FailLate", false, true),
  Talk: method("/test.Echo/Talk", true, true),
  Missing: method("/test.Echo/Missing", false, false),
};
const health = { Check: method("/grpc.health.v1.Health/Check", false, false) };

function serve(port) {
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  let cancelled = 0;
  const trailers = (pairs) => { const m = new grpc.Metadata(); for (const [k, v] of pairs) m.set(k, v); return m; };
  const { Missing, ...implemented } = calls;
  server.addService(implemented, {
    Unary(call, done) {
      const head = new grpc.Metadata();
      head.set("x-got", String(call.metadata.get("x-sent")[0] || ""));
      head.set("x-identity", String(call.metadata.get("x-ssl-client-cn")[0] || ""));
      head.set("x-fields", Object.keys(call.metadata.getMap()).sort().join(" "));
      call.sendMetadata(head);
      done(null, call.request, trailers([["x-last", "of unary"], ["x-last-bin", Buffer.from([0, 255])]]));
    },
    Fail(call, done) { done({ code: grpc.status.FAILED_PRECONDITION, details: "no \u00e4, 100 % no", metadata: trailers([["x-why", "because"]]) }); },
    Slow(call) { call.on("cancelled", () => { cancelled++; }); },
    Cancelled(call, done) { done(null, Buffer.from(String(cancelled))); },
    Upload(call, done) {
      let bytes = 0, messages = 0;
      call.on("data", (m) => { bytes += m.length; messages++; });
      call.on("end", () => done(null, Buffer.from(`${messages} ${bytes}`)));
    },
    Download(call) {
      const [count, size] = String(call.request).split(" ").map(Number);
      let i = 0;
      const more = () => {
        while (i < count) { i++; if (!call.write(Buffer.alloc(size, 120))) { call.once("drain", more); return; } }
        call.end(trailers([["x-last", "of download"]]));
      };
      more();
    },
    FailLate(call) { call.write(Buffer.from("one")); call.emit("error", { code: grpc.status.DATA_LOSS, details: "lost" }); },
    Talk(call) { call.on("data", (m) => call.write(m)); call.on("end", () => call.end()); call.on("cancelled", () => { cancelled++; }); },
  });
  server.addService(health, { Check(call, done) {
    if (call.request.length > 0 && !String(call.request).endsWith("test.Echo")) done({ code: grpc.status.NOT_FOUND, details: "unknown service" });
    else done(null, Buffer.from([8, 1]));
  } });
  server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => { if (error) throw error; console.log("ready"); });
}

const told = (error) => ({ code: error.code, details: error.details, trailers: error.metadata ? error.metadata.getMap() : {} });

async function call(address, onlyFirst) {
  const Client = grpc.makeGenericClientConstructor({ ...calls, ...health }, "test.Echo");
  const client = new Client(address, grpc.credentials.createInsecure(), { "grpc.enable_retries": 0, "grpc.max_receive_message_length": -1 });
  const out = {};
  const unary = (name, body, options = {}, metadata = new grpc.Metadata()) => new Promise((resolve) => {
    const result = {};
    const one = client[name](Buffer.from(body), metadata, options, (error, value) => { Object.assign(result, error ? told(error) : { code: 0, body: value.toString("latin1") }); });
    one.on("metadata", (m) => { result.head = m.getMap(); });
    one.on("status", (s) => { result.trailers = s.metadata.getMap(); setImmediate(() => resolve(result)); });
    if (options.cancelAfterMs) setTimeout(() => one.cancel(), options.cancelAfterMs);
  });
  const stream = (one) => new Promise((resolve) => {
    const result = { messages: 0, bytes: 0 };
    one.on("data", (m) => { result.messages++; result.bytes += m.length; });
    one.on("error", () => {});
    one.on("status", (s) => resolve({ ...result, code: s.code, details: s.details, trailers: s.metadata.getMap() }));
  });
  const sent = new grpc.Metadata();
  sent.set("x-sent", "hello");
  sent.set("x-sent-bin", Buffer.from([0, 1, 255]));
  out.unary = await unary("Unary", "ping", {}, sent);
  if (onlyFirst) {
    client.close();
    console.log(JSON.stringify(out));
    return;
  }
  out.empty = await unary("Unary", "");
  const large = await unary("Unary", "z".repeat(3 << 20));
  out.large = { code: large.code, bytes: (large.body || "").length };
  out.fail = await unary("Fail", "");
  out.missing = await unary("Missing", "");
  out.upload = await new Promise((resolve) => {
    const one = client.Upload((error, value) => resolve(error ? told(error) : { code: 0, body: value.toString() }));
    for (let i = 0; i < 100; i++) one.write(Buffer.alloc(10000));
    one.end();
  });
  out.download = await stream(client.Download(Buffer.from("200 10000")));
  out.failLate = await stream(client.FailLate(Buffer.from("")));
  out.talk = await new Promise((resolve) => {
    const one = client.Talk(); // the next message goes when the one before has come back: nothing is held back on the way
    let n = 0;
    one.on("data", () => { if (++n < 50) one.write(Buffer.from(String(n))); else one.end(); });
    one.on("error", () => {});
    one.on("status", (s) => resolve({ code: s.code, details: s.details, messages: n }));
    one.write(Buffer.from("0"));
  });
  const began = Date.now();
  out.deadline = await unary("Slow", "", { deadline: Date.now() + 300 });
  out.deadline.ms = Date.now() - began;
  const before = Number((await unary("Cancelled", "")).body);
  out.cancel = await unary("Slow", "", { cancelAfterMs: 100 });
  for (let i = 0; i < 40; i++) {
    out.cancelled = Number((await unary("Cancelled", "")).body) - before;
    if (out.cancelled >= 1) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const many = await Promise.all(Array.from({ length: 150 }, (_, i) => unary("Unary", String(i))));
  out.many = many.filter((r, i) => r.code === 0 && r.body === String(i)).length;
  out.health = await unary("Check", "");
  client.close();
  console.log(JSON.stringify(out));
}

if (process.argv[2] === "serve") serve(process.argv[3]);
else call(process.argv[3], process.argv[2] === "ask");
