// ldapts: pages, compare, binds, and StartTLS.
const fs = require("node:fs");
const { Client, InvalidCredentialsError } = require("ldapts");

const [ldaps, ldap, authorities, base, name, password, person, personPassword] = process.argv.slice(2);
const tls = { ca: [fs.readFileSync(authorities)] };

async function main() {
  const client = new Client({ url: ldaps, tlsOptions: tls });
  await client.bind(name, password);
  const filter = "(objectClass=posixAccount)";
  const people = await client.search(base, { filter, attributes: ["uid"], paged: { pageSize: 7 } });
  const names = new Set(people.searchEntries.map((entry) => entry.dn));
  console.log("paged", names.size > 50, names.size === people.searchEntries.length);
  console.log("compare", await client.compare(person, "sn", "lovelace"));
  const wrong = await client.bind(person, "wrong").catch((error) => error);
  console.log("refused", wrong instanceof InvalidCredentialsError);
  await client.bind(person, personPassword);
  const own = await client.search(base, { filter: "(uid=ada)", attributes: ["cn", "mail"] });
  console.log("read", JSON.stringify(own.searchEntries));
  await client.unbind();

  const plain = new Client({ url: ldap });
  await plain.startTLS(tls);
  await plain.bind(person, personPassword);
  console.log("bound after StartTLS");
  await plain.unbind();
}

main();
