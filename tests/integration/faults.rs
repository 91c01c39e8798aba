//! What goes wrong between Graph and the daemon, over the wire: each fault with what is served meanwhile, what is
//! held afterwards, and what the log says.

mod access;
mod answers;
mod credentials;
mod expiry;
mod links;
mod members;
mod order;
mod rules;
mod stage;
mod store;
mod throttling;
mod weather;
