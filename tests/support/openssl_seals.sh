#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes in the folder $1 a CA for each way to sign a revocation list, NAME.der, with a list of it, NAME.crl, both DER; by openssl alone.
set -eu
cd "$1"
cat >ca.cnf <<'EOF2'
[ca]
default_ca = box
[box]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 30
crl_extensions = ext
[ext]
authorityKeyIdentifier = keyid
[req]
distinguished_name = none
x509_extensions = ca_ext
[none]
[ca_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
EOF2
printf 'R\t391231235959Z\t260101000000Z\t1234\tunknown\t/CN=gone\n' >index.txt
echo 01 >crlnumber
ca() { # NAME ALGORITHM [OPTION...]
    name=$1
    shift
    openssl genpkey -out "$name.key" -algorithm "$@"
    certify "$name"
}
certify() { # NAME
    name=$1
    openssl req -new -x509 -config ca.cnf -key "$name.key" -subj "/CN=Box Root" -days 30 -out "$name.pem"
    openssl x509 -in "$name.pem" -outform DER -out "$name.der"
}
list() { # NAME CA [OPTION...]
    name=$1 signer=$2
    shift 2
    openssl ca -gencrl -config ca.cnf -cert "$signer.pem" -keyfile "$signer.key" "$@" | openssl crl -outform DER -out "$name.crl"
}
pss() { # NAME CA HASH SALT [OPTION...]
    name=$1 signer=$2 hash=$3 salt=$4
    shift 4
    list "$name" "$signer" -md "$hash" -sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$salt" "$@"
}
ca rsa RSA -pkeyopt rsa_keygen_bits:2048
ca limited RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384 -pkeyopt rsa_pss_keygen_saltlen:48
ca free RSA-PSS -pkeyopt rsa_keygen_bits:2048
# The numbers of the limited key, without its limits.
openssl asn1parse -in limited.key -strparse "$(openssl asn1parse -in limited.key | sed -n 's/^ *\([0-9]*\):.*OCTET STRING.*/\1/p')" -noout -out inner.der
openssl rsa -inform DER -in inner.der -out unlimited.key
certify unlimited
for curve in P-256 P-384 P-521; do
    ca $curve EC -pkeyopt ec_paramgen_curve:$curve
    for hash in sha256 sha384 sha512; do
        list $curve-$hash $curve -md $hash
    done
done
ca ed25519 ED25519
list ed25519 ed25519 -md null
ca ed448 ED448
list ed448 ed448 -md null
for hash in sha256 sha384 sha512; do
    list rsa-$hash rsa -md $hash
    pss pss-$hash rsa $hash digest
done
pss pss-salt-0 rsa sha256 0
pss pss-salt-20 rsa sha256 20
pss pss-salt-max rsa sha256 max
pss pss-sha1 rsa sha1 20
pss pss-two-hashes rsa sha256 32 -sigopt rsa_mgf1_md:sha384
pss pss-limited limited sha384 48
pss pss-limited-longer limited sha384 60
pss pss-other-hash unlimited sha256 48
pss pss-short-salt unlimited sha384 32
list not-pss unlimited -md sha384
pss pss-free free sha256 32
list rsa-sha1 rsa -md sha1
list p256-sha1 P-256 -md sha1
list rsa-sha224 rsa -md sha224
