//! RFC 4517: matching rules.

mod section_4_2;
