//! What the scan and the splice must do, case by case and by properties.

mod scan;
mod splice;
mod properties;
