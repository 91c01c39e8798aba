//! What the RFCs demand of a server, by RFC and section, over real sockets.
//!
//! Each test opens with the demand in one line. The server is the one of the library, serving a small
//! [tree](world) made by hand; the [client] speaks through `ldap3_proto`'s codec.

mod client;
mod ldaps;
mod rfc2696;
mod rfc2891;
mod rfc3296;
mod rfc3673;
mod rfc3876;
mod rfc3909;
mod rfc4511;
mod rfc4512;
mod rfc4513;
mod rfc4515;
mod rfc4517;
mod rfc4526;
mod rfc4528;
mod rfc4532;
mod world;
