#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the certificates and lists in tests/fuzz/pki with openssl, and throws the keys away: harnesses compare bytes with these very files, so they are
# made once. Whoever runs this again has to run make_corpus.py after it. Everything is valid from 2026 to 2126 unless its name says otherwise.
set -eu
out=$(cd "$(dirname "$0")" && pwd)/pki
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir -p "$out"
cd "$box"
cat >ca.cnf <<'END'
[ca]
default_ca = root
[root]
database = root.txt
serial = root.serial
crlnumber = root.number
new_certs_dir = .
certificate = root.pem
private_key = root.key
default_md = sha256
policy = any
unique_subject = no
[foreign]
database = foreign.txt
serial = foreign.serial
crlnumber = foreign.number
new_certs_dir = .
certificate = foreign-root.pem
private_key = foreign-root.key
default_md = sha256
policy = any
unique_subject = no
[middle]
database = middle.txt
serial = middle.serial
crlnumber = middle.number
new_certs_dir = .
certificate = middle.pem
private_key = middle.key
default_md = sha256
policy = any
unique_subject = no
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[req]
distinguished_name = none
[none]
[root_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[middle_ext]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
nameConstraints = permitted;DNS:good.example,permitted;URI:good.example,excluded;DNS:bad.good.example
crlDistributionPoints = URI:http://lists.example/root.crl
[leaf_ext]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth,serverAuth
authorityKeyIdentifier = keyid
subjectAltName = DNS:good.example,DNS:*.good.example,URI:spiffe://good.example/a,IP:127.0.0.1,email:a@mail.example
crlDistributionPoints = URI:http://lists.example/middle.crl
[plain_crl]
authorityKeyIdentifier = keyid
[delta_crl]
2.5.29.27 = critical,DER:02:01:01
[part_crl]
issuingDistributionPoint = critical,@part
[part]
onlyuser = TRUE
END
from=20260101000000Z
to=21260101000000Z
for ca in root foreign middle; do
    : >$ca.txt
    echo 1000 >$ca.serial
    echo 05 >$ca.number
done
key() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
}
# sign CA SECTION NAME SUBJECT FROM TO [-selfsign]
sign() {
    key "$3"
    openssl req -new -config ca.cnf -key "$3.key" -subj "$4" -out "$3.csr"
    ca=$1 section=$2 name=$3 begin=$5 end=$6
    shift 6
    openssl ca -batch -notext -config ca.cnf -name "$ca" -extensions "$section" -in "$name.csr" -out "$name.pem" \
        -startdate "$begin" -enddate "$end" "$@" 2>/dev/null
}
sign root root_ext root "/O=Fuzz/CN=Root" $from $to -selfsign -keyfile root.key
sign foreign root_ext foreign-root "/O=Fuzz/CN=Root" $from $to -selfsign -keyfile foreign-root.key
sign root middle_ext middle "/O=Fuzz/CN=Middle" $from $to
sign middle leaf_ext leaf "/O=Fuzz/OU=ops/OU=admin/CN=leaf" $from $to
sign middle leaf_ext revoked "/O=Fuzz/OU=ops/CN=revoked" $from $to
sign middle leaf_ext expired "/O=Fuzz/OU=ops/CN=expired" $from 20260102000000Z
sign foreign leaf_ext foreign "/O=Fuzz/OU=ops/CN=leaf" $from $to
crl() { # crl CA FILE [...]
    ca=$1 file=$2
    shift 2
    openssl ca -gencrl -config ca.cnf -name "$ca" -crl_lastupdate $from -crl_nextupdate $to -out "$file.crl" "$@" 2>/dev/null
}
crl middle middle-empty -crlexts plain_crl
i=0
while [ $i -lt 8 ]; do
    sign middle leaf_ext "other$i" "/CN=other$i" $from $to
    openssl ca -config ca.cnf -name middle -revoke "other$i.pem" -crl_reason keyCompromise 2>/dev/null
    i=$((i + 1))
done
openssl ca -config ca.cnf -name middle -revoke revoked.pem 2>/dev/null
crl middle middle -crlexts plain_crl
crl middle middle-delta -crlexts delta_crl
crl middle middle-part -crlexts part_crl
sign root middle_ext gone "/O=Fuzz/CN=Gone" $from $to
openssl ca -config ca.cnf -name root -revoke gone.pem 2>/dev/null
crl root root -crlexts plain_crl
crl foreign foreign-root -crlexts plain_crl
cp root.pem foreign-root.pem middle.pem leaf.pem revoked.pem expired.pem foreign.pem ./*.crl "$out"
