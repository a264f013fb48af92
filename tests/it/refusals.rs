//! Every refusal that can be provoked from outside: the real program, the real server, the exit code, the words and the
//! hint; and what the flags that consent to something make of it.

mod behind;
mod gaps;
mod input;
mod lane;
mod plans;
mod rewinds;
mod stage;
