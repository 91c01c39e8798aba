//! RFC 4513: authentication.

mod section_4;
mod section_5_1_1;
mod section_5_1_2;
mod section_5_1_3;
