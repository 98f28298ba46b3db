#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes certificates and revocation lists with openssl in the folder $1, so that an error in code of ours cannot hide on both sides.
# Everything is valid in 2026.
set -eu
cd "$1"
cat >ca.cnf <<'EOF'
[ca]
default_ca = box
[box]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
organizationName = optional
organizationalUnitName = optional
[req]
distinguished_name = none
[none]
[ca_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[mute_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[leaf_ext]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
subjectAltName = URI:spiffe://td/a,DNS:a.example
[crl_plain]
authorityKeyIdentifier = keyid
[crl_delta]
2.5.29.27 = critical,DER:02:01:01
[crl_indirect]
issuingDistributionPoint = critical,@indirect
[indirect]
indirectCRL = TRUE
[crl_scoped]
issuingDistributionPoint = critical,@scoped
[scoped]
onlyuser = TRUE
[crl_unknown]
1.2.3.4 = critical,DER:05:00
EOF
: >index.txt
echo 1000 >serial
echo 01 >crlnumber
when="-startdate 20260101000000Z -enddate 20270101000000Z"
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
issue() { # FILE SUBJECT EXTENSIONS [MORE...]
    file=$1 subject=$2 extensions=$3
    shift 3
    key "$file.key"
    openssl req -new -config ca.cnf -key "$file.key" -subj "$subject" -out "$file.csr"
    # shellcheck disable=SC2086
    openssl ca -batch -config ca.cnf -in "$file.csr" $when -extfile ca.cnf -extensions "$extensions" -notext -out "$file.pem" "$@"
    openssl x509 -in "$file.pem" -outform DER -out "$file.der"
}
list() { # FILE EXTENSIONS FROM TO [MORE...]
    file=$1 extensions=$2 from=$3 to=$4
    shift 4
    openssl ca -gencrl -config ca.cnf -crlexts "$extensions" -crl_lastupdate "$from" -crl_nextupdate "$to" -out "$file" "$@"
}
odd() { # FILE SUBJECT STRING_MASK
    printf '[req]\ndistinguished_name = none\nstring_mask = %s\n[none]\n' "$3" >odd.cnf
    openssl req -x509 -config odd.cnf -key ca.key -subj "$2" -days 30 -outform DER -out "$1"
}
issue ca "/CN=Box Root" ca_ext -selfsign -keyfile ca.key
issue mute "/CN=Mute" mute_ext
issue good "/CN=good" leaf_ext
issue bad "/CN=bad" leaf_ext
openssl ca -config ca.cnf -revoke bad.pem
early=20260101000000Z late=20270101000000Z
list plain.crl crl_plain $early $late
list delta.crl crl_delta $early $late
list indirect.crl crl_indirect $early $late
list scoped.crl crl_scoped $early $late
list unknown.crl crl_unknown $early $late
list mute.crl crl_plain $early $late -cert mute.pem -keyfile mute.key
openssl crl -in plain.crl -outform DER -out plain.der
odd multi.der "/O=Acme/OU=staff/CN=first+OU=ops/CN=second" utf8only
odd bmp.der "/OU=admin/CN=admin" MASK:0x800
odd t61.der "/OU=admin/CN=admin" MASK:0x4
odd latin1.der "/CN=$(printf 'ren\351')" MASK:0x4
odd twocns.der "/CN=alice/CN=$(printf 'ren\351')" MASK:0x16
odd hexlike.der "/CN=#140472656ee9" utf8only
openssl genrsa -out rsa.key 2048
openssl rsa -in rsa.key -traditional -out rsa1.key
openssl pkcs8 -topk8 -in ca.key -passout pass:secret -out encrypted8.key
openssl ec -in ca.key -aes256 -passout pass:secret -out encrypted1.key
