#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes with openssl, in the folder $1, a self-signed certificate and its key in one file NAME.pem for each kind of key. usage: FOLDER
set -eu
cd "$1"
cat >self.cnf <<'CNF'
[req]
distinguished_name = none
x509_extensions = ext
[none]
[ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
CNF
make() {
    name=$1
    shift
    openssl genpkey "$@" -out "$name.key" 2>/dev/null
    openssl req -x509 -new -key "$name.key" -subj "/CN=$name" -days 30 -config self.cnf -out "$name.crt"
    cat "$name.crt" "$name.key" >"$name.pem"
}
ec() {
    make "$1" -algorithm EC -pkeyopt "ec_paramgen_curve:$2"
}
pss() {
    make "$1" -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt "rsa_pss_keygen_md:$2" -pkeyopt "rsa_pss_keygen_mgf1_md:$2" \
        -pkeyopt "rsa_pss_keygen_saltlen:$3"
}
ec p224 P-224
ec p256 P-256
ec p384 P-384
ec p521 P-521
ec k256 secp256k1
ec brainpool brainpoolP256r1
make explicit -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
make ed25519 -algorithm ED25519
make ed448 -algorithm ED448
make rsa512 -algorithm RSA -pkeyopt rsa_keygen_bits:512
make rsa1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
make rsa2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
make pss -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
pss pss1 sha1 20
pss pss256 sha256 32
pss pss384 sha384 48
pss pss512 sha512 64
pss salt256 sha256 48
openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out dsa.params 2>/dev/null
make dsa -paramfile dsa.params
