//! RFC 3909: the Cancel operation.

mod section_2;
