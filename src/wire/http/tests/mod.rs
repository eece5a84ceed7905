mod accept;
mod conditional;
mod range;
