//! The durable copy of a [`State`](crate::directory::State), in sled.
