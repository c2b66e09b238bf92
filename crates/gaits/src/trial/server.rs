//! The server that a race or a sweep is for, where it runs on this machine: which processes listen on its port, by `/proc/net/tcp` and
//! the descriptors of processes. Limit: those of other users can't be seen.

use std::collections::HashSet;
use std::fs;

/// The state of a socket that listens, as the kernel writes it.
const LISTENS: &str = "0A";

/// The processes that listen on one of these ports.
pub(crate) fn listeners(ports: &[u16]) -> Vec<u32> {
    if ports.is_empty() {
        return Vec::new();
    }
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: HashSet<String> = tables
        .iter()
        .flat_map(|table| table.lines())
        .filter_map(|line| inode(line, ports))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| holds(*pid, &sockets)).collect()
}

/// The inode of the socket that a line of the table is about, if it listens on one of the ports.
fn inode<'l>(line: &'l str, ports: &[u16]) -> Option<&'l str> {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
    let mut fields = line.split_ascii_whitespace();
    let (_, port) = fields.nth(1)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let state = fields.nth(1)?;
    (state == LISTENS && ports.contains(&port)).then(|| fields.nth(5)).flatten()
}

/// Whether the process has one of these sockets.
fn holds(pid: u32, sockets: &HashSet<String>) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_process_that_listens_on_a_port_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listeners(&[port]), [std::process::id()]);
        drop(listener);
        assert!(listeners(&[port]).is_empty());
        assert!(listeners(&[]).is_empty());
    }

    #[test]
    fn a_line_of_the_table_is_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1";
        assert_eq!(inode(line, &[8080]), Some("31337"));
        assert_eq!(inode(line, &[8081]), None);
        assert_eq!(inode(&line.replace(" 0A ", " 01 "), &[8080]), None);
        assert_eq!(inode("  sl  local_address rem_address   st", &[8080]), None);
    }
}
