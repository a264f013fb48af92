//! What a process has used so far and what the machine is, as Linux tells it; nothing where there is no `/proc`.

/// Ticks a second in `/proc/PID/stat`: Linux shows 100 to programs whatever it counts inside.
const TICKS_PER_S: f64 = 100.0;

/// The seconds of CPU time that a process has used, in the program and in the kernel.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in brackets and may hold blanks; user and system time are the 14th and 15th.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_S)
}

/// The most memory that a process has had resident, in MiB.
pub fn peak_mib(pid: u32) -> Option<f64> {
    memory(pid, "VmHWM:")
}

/// The memory that a process has resident, in MiB.
pub fn resident_mib(pid: u32) -> Option<f64> {
    memory(pid, "VmRSS:")
}

/// The bytes that a process has had written to a disk.
pub fn written_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("write_bytes:"))?.trim().parse().ok()
}

fn memory(pid: u32, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// The processor's name.
pub fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How many tasks wanted a processor during the last minute, on average.
pub fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}
