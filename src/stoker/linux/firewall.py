"""The rules between the walled-off networks, the host and the world: one nftables table an instance.

The text of the table is pure; `apply` and the others run `nft`, which is how distributions support nftables.
"""

import ipaddress
import os
import shutil
import subprocess

_NFT_TIMEOUT_S = 10
# A datagram counts for half a minute: so many are some 130 names looked up a second. The machine's table has room for
# 262,144 as a rule (nf_conntrack_max).
MAX_FLOWS = 4096


class FirewallError(OSError):
    """nft is missing or refused the rules; says why. Install the package nftables."""


def rules(table: str, links: str, all_links: str, network: ipaddress.IPv4Network) -> str:
    """The table for an instance whose links' names begin with `links` and whose addresses lie in `network`.

    `all_links` begins the names of every instance's links. In words: only an address that was handed out may send;
    nothing reaches the host itself, any other of the links, or the link-local network, where clouds keep their
    metadata and credentials; what goes to the world gets the host's address, and only answers come back. An address
    has no more than MAX_FLOWS conversations at a time, since the kernel's table of them is one for the whole machine.
    """
    return f"""
add table inet {table}
delete table inet {table}
table inet {table} {{
    set flows {{
        type ipv4_addr
        size 65535
        flags dynamic
    }}
    chain prerouting {{
        type filter hook prerouting priority raw; policy accept;
        iifname "{links}*" meta nfproto != ipv4 drop
        iifname "{links}*" fib saddr . iif oif missing drop
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        iifname "{links}*" drop
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "{links}*" oifname "{all_links}*" drop
        iifname "{links}*" ip daddr {{ 169.254.0.0/16, {network} }} drop
        iifname "{links}*" ct state new add @flows {{ ip saddr ct count over {MAX_FLOWS} }} drop
        oifname "{links}*" ct state established,related accept
        oifname "{links}*" drop
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {network} oifname != "{all_links}*" masquerade
    }}
}}
"""


def apply(text: str) -> None:
    """Add a table, or put it in the place of one of its name: in one step, whole or not at all."""
    _nft(["-f", "-"], text)


def remove(table: str) -> None:
    """Remove a table with all its rules."""
    _nft(["delete", "table", "inet", table], "")


def tables() -> list[str]:
    """The names of the tables of family inet."""
    lines = _nft(["list", "tables", "inet"], "").splitlines()
    return [line.split()[2] for line in lines if line.startswith("table inet ")]


def _nft(arguments: list[str], text: str) -> str:
    program = shutil.which("nft", path=os.defpath + ":/usr/sbin:/sbin")
    if program is None:
        raise FirewallError("nft is not installed (package nftables)")
    done = subprocess.run(
        [program, *arguments], input=text, capture_output=True, text=True, timeout=_NFT_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise FirewallError(f"nft {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
