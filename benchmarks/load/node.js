// The same operations by the npm package `soap`, in as many processes as gunicorn has workers.
// Usage: node node.js PORT WORKERS FOLDER-WITH-node_modules WSDL
const cluster = require("node:cluster");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const [port, workers, folder, wsdl] = process.argv.slice(2);
if (cluster.isPrimary) {
  for (let n = 0; n < Number(workers); n++) cluster.fork();
  process.on("SIGTERM", () => process.exit(0));
} else {
  const soap = require(path.resolve(folder, "node_modules", "soap"));
  const auth = {
    ServiceAuthId: 1, Server: "mail.example.com", Port: 993,
    AuthType: "Password", Username: "load0", Password: "********",
  };
  const operations = {
    GetEMailAccount: (given) => ({
      Response: {
        EMailAccountId: given.EMailAccountId, EMailAddress: "load0@example.com", AssociateId: 1,
        IncomingCredentials: auth, OutgoingCredentials: auth,
        AccountStatus: 1, ErrorCount: 0, ErrorReason: "",
      },
    }),
    SyncEmailAccount: () => ({}),
  };
  const server = http.createServer((_, answer) => { answer.statusCode = 404; answer.end(); });
  server.keepAliveTimeout = 75000;
  server.listen(Number(port), "127.0.0.1", () => {
    const service = { WcfEMailService: { BasicHttpBinding_EMail: operations } };
    const listener = soap.listen(
      server, "/Remote/Services84/EMail.svc", service, fs.readFileSync(wsdl, "utf8"));
    listener.addSoapHeader(
      '<n:Succeeded xmlns:n="http://www.superoffice.net/ws/crm/NetServer/Services84">true' +
      "</n:Succeeded>");
  });
}
