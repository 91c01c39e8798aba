//! An OpenVPN server with the auth-ldap plugin, and OpenVPN clients that dial in.

use std::fs;

use crate::jail::{Jail, free_port};
use crate::tenant::sample;
use crate::world::{World, password_of};

/// A server that hands out addresses and keeps its hands off this machine's: the interface is never configured.
const SERVER: &str = "\
mode server
tls-server
dev tun
topology subnet
ifconfig-noexec
route-noexec
ifconfig 10.8.0.1 255.255.255.0
ifconfig-pool 10.8.0.2 10.8.0.99 255.255.255.0
proto udp4
local 127.0.0.1
ca /etc/openvpn/ca.pem
cert /etc/openvpn/tls.pem
key /etc/openvpn/tls.key
dh none
keepalive 10 60
plugin /usr/lib/openvpn/openvpn-auth-ldap.so /etc/openvpn/auth-ldap.conf
verify-client-cert none
username-as-common-name
";

const CLIENT: &str = "\
client
dev null
pull-filter ignore ifconfig
nobind
proto udp4
ca /etc/openvpn/ca.pem
remote-cert-tls server
auth-user-pass /etc/openvpn/login
";

/// What an OpenVPN client says when it is in.
const IN: &str = "Initialization Sequence Completed";
/// What it says when its login is refused.
const OUT: &str = "AUTH_FAILED";

#[tokio::test]
async fn openvpn_lets_members_of_the_group_dial_in() {
    let world = World::start().await;
    let mut jail = Jail::open(&world).await;
    jail.write(
        "/etc/openvpn/auth-ldap.conf",
        &world.recipe("openvpn-auth-ldap.conf"),
    );
    for (place, path) in [
        ("/etc/openvpn/ca.pem", &world.certificates.ca),
        ("/etc/openvpn/tls.pem", &world.certificates.server),
        ("/etc/openvpn/tls.key", &world.certificates.key),
    ] {
        let text = fs::read_to_string(path).expect("the world has minted it");
        jail.write(place, &text);
    }
    let port = free_port();
    jail.write(
        "/etc/openvpn/server.conf",
        &format!("{SERVER}port {port}\n"),
    );
    let client = format!("{CLIENT}remote 127.0.0.1 {port}\n");
    jail.write("/etc/openvpn/client.conf", &client);
    let server = jail.start(&["openvpn", "/etc/openvpn/server.conf"]);
    jail.eventually(&["grep", IN, &server]).await;

    for (user, password, expected) in [
        ("ada", password_of("ada@contoso.example"), IN),
        ("ada", "wrong", OUT),
        ("svc-backup", password_of("svc-backup@contoso.example"), OUT),
        ("mallory", sample::MALLORY_PASSWORD, OUT),
    ] {
        jail.write("/etc/openvpn/login", &format!("{user}\n{password}\n"));
        let client = jail.start(&["openvpn", "/etc/openvpn/client.conf"]);
        let either = format!("{IN}|{OUT}");
        jail.eventually(&["grep", "-E", &either, &client]).await;
        let said = jail.read(&client);
        let logs = || format!("{user}: {said}\n{}", jail.read(&server));
        assert!(said.contains(expected), "{}", logs());
    }
}
