//! Lanes that are spoiled on purpose, and what an audit says of them.

mod world;
mod planted;
mod losses;
mod rewound;
mod properties;
