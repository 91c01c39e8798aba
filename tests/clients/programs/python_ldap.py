"""python-ldap: a strict reading of the schema, every entry held against it, pages, compare, binds."""

import sys

import ldap
import ldap.schema
from ldap.controls import SimplePagedResultsControl

uri, authorities, base, name, password, person, person_password = sys.argv[1:]

connection = ldap.initialize(uri)
connection.set_option(ldap.OPT_X_TLS_CACERTFILE, authorities)
connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)

# Without a bind. The highest level of checking refuses what is there twice.
subschema = connection.search_subschemasubentry_s()
schema = ldap.schema.SubSchema(connection.read_subschemasubentry_s(subschema), check_uniqueness=2)
print("subschema", subschema)

connection.simple_bind_s(name, password)
print("whoami", connection.whoami_s())


def pages(size):
    control = SimplePagedResultsControl(True, size=size, cookie="")
    while True:
        message = connection.search_ext(
            base, ldap.SCOPE_SUBTREE, attrlist=["*", "+"], serverctrls=[control]
        )
        _, entries, _, controls = connection.result3(message)
        yield entries
        (answer,) = [c for c in controls if c.controlType == control.controlType]
        if not answer.cookie:
            return
        control.cookie = answer.cookie


def faults(dn, attributes):
    classes = [value.decode() for value in attributes["objectClass"]]
    required, allowed = schema.attribute_types(classes)
    known = {oid: schema.get_obj(ldap.schema.AttributeType, oid) for oid in {**required, **allowed}}
    names = {attribute.lower() for attribute in attributes}
    for attribute in required.values():
        if not names & {name.lower() for name in attribute.names}:
            yield f"{dn} lacks {attribute.names[0]}"
    for attribute, values in attributes.items():
        kind = schema.get_obj(ldap.schema.AttributeType, attribute)
        if kind is None:
            yield f"{dn}: {attribute} is not in the schema"
        elif kind.usage == 0 and kind.oid not in known:
            yield f"{dn}: {attribute} is not allowed by {classes}"
        elif kind.single_value and len(values) > 1:
            yield f"{dn}: {attribute} has {len(values)} values"
    if schema.get_structural_oc(classes) is None:
        yield f"{dn} has no structural class"


walked = list(pages(7))
entries = [entry for page in walked for entry in page]
assert all(len(page) <= 7 for page in walked), "a page is too long"
assert len(walked) > 10 and len({dn for dn, _ in entries}) == len(entries), "an entry came twice"
at_once = connection.search_s(base, ldap.SCOPE_SUBTREE, attrlist=["1.1"])
assert {dn for dn, _ in entries} == {dn for dn, _ in at_once}, "paging loses entries"
for fault in [fault for dn, attributes in entries for fault in faults(dn, attributes)]:
    print("fault", fault)

print("compare", connection.compare_s(person, "sn", b"lovelace"))
try:
    connection.simple_bind_s(person, "wrong")
    print("bound with a wrong password")
except ldap.INVALID_CREDENTIALS:
    print("refused; then", connection.whoami_s() or "anonymous")
connection.simple_bind_s(person, person_password)
print("whoami", connection.whoami_s())
