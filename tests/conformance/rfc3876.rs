//! RFC 3876: returning matched values.

mod section_2;
