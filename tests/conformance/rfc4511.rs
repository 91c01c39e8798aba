//! RFC 4511: the protocol.

mod section_4_10;
mod section_4_11;
mod section_4_12;
mod section_4_14;
mod section_4_1_1;
mod section_4_1_11;
mod section_4_2;
mod section_4_3;
mod section_4_4_1;
mod section_4_5;
mod section_4_6;
mod section_5_1;
