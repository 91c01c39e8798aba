//! The `ldap365` command.
fn main() {}
