//! RFC 2696: simple paged results.

mod section_2;
mod section_3;
