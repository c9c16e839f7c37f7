#!/bin/sh
# Makes the certificates of the tests anew, valid for a hundred years: `cd test/support/tls && sh make.sh`.
# Node.js has nothing that makes certificates, and not every machine has openssl, so they are kept here.
set -eu
days=36500
openssl req -x509 -newkey rsa:2048 -nodes -days $days -keyout ca.key -out ca.pem -subj '/CN=afterwork test CA' 2>/dev/null

# A name, and the hosts that its certificate is for.
issue() {
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
  printf 'subjectAltName=%s\n' "$2" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days $days -extfile "$1.ext" -out "$1.pem" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

issue localhost 'DNS:localhost,IP:127.0.0.1'
issue elsewhere 'DNS:mail.elsewhere.example'
# Nobody needs to issue any more of them.
rm -f ca.key ca.srl
