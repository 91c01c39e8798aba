"""ldap3, with all the information it can get, and with names checked against the schema."""

import ssl
import sys

import ldap3
from ldap3.core.exceptions import LDAPAttributeError, LDAPInvalidCredentialsResult

uri, authorities, base, name, password, person, person_password = sys.argv[1:]

tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=authorities)
server = ldap3.Server(uri, tls=tls, get_info=ldap3.ALL)


def connect(name, password):
    return ldap3.Connection(
        server, name, password, auto_bind=True, check_names=True, raise_exceptions=True
    )


connection = connect(name, password)
print("contexts", *server.info.naming_contexts)
print("classes", *sorted({"posixAccount", "inetOrgPerson"} & set(server.schema.object_classes)))
print("whoami", connection.extend.standard.who_am_i())

attributes = ["uid", "cn", "uidNumber", "entryUUID", "modifyTimestamp"]
found = connection.search(base, "(uid=ada)", attributes=attributes)
(entry,) = connection.entries
# With the schema, values have the types of Python.
print("found", found, entry.uid, entry.cn, type(entry.uidNumber.value).__name__)
print("changed", entry.modifyTimestamp.value.year >= 2000)

try:
    connection.search(base, "(uid=ada)", attributes=["noSuchAttribute"])
except LDAPAttributeError:
    print("an unknown attribute is found out by the client")

paged = connection.extend.standard.paged_search(
    base, "(objectClass=posixAccount)", attributes=["uid"], paged_size=7, generator=False
)
print("paged", len(paged) > 50, len({entry["dn"] for entry in paged}) == len(paged))
print("compare", connection.compare(person, "sn", "lovelace"))

try:
    connect(person, "wrong")
except LDAPInvalidCredentialsResult:
    print("refused")
print("whoami", connect(person, person_password).extend.standard.who_am_i())
