#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes with openssl, in the folder $1, a CA, a certificate of it, and its key in each protected form, with the passphrase in pass. usage: FOLDER
set -eu
cd "$1"
printf 'correct horse\n' >pass
printf 'Gr\303\274\303\237e \342\202\254\n' >pass-utf8
cat >x.cnf <<'CNF'
[req]
distinguished_name = none
[none]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectAltName = DNS:localhost
CNF
key() { openssl genpkey -out "$1.key" -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null; }
key ca
openssl req -x509 -new -key ca.key -subj /CN=ca -days 30 -config x.cnf -extensions ca -out ca.crt
key leaf
openssl req -new -key leaf.key -subj /CN=leaf -config x.cnf -out leaf.csr
openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile x.cnf -extensions leaf -out leaf.crt 2>/dev/null
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
openssl genpkey -algorithm ED25519 -out ed25519.key
for stem in leaf rsa ed25519; do
    openssl pkcs8 -topk8 -in $stem.key -v2 aes-256-cbc -passout file:pass -out $stem-aes.key
done
openssl pkcs8 -topk8 -in leaf.key -v2 aes-128-cbc -v2prf hmacWithSHA1 -iter 1000 -passout file:pass -out aes128.key
openssl pkcs8 -topk8 -in leaf.key -v2 des3 -passout file:pass -out des3.key
openssl pkcs8 -topk8 -in leaf.key -v1 PBE-SHA1-3DES -passout file:pass -out v1.key
openssl pkcs8 -topk8 -in leaf.key -scrypt -passout file:pass -out scrypt.key
openssl pkcs8 -topk8 -in leaf.key -v2 aes-256-cbc -passout file:pass-utf8 -out utf8.key
openssl ec -in leaf.key -aes256 -passout file:pass -out trad-ec.key 2>/dev/null
openssl ec -in leaf.key -des3 -passout file:pass -out trad-des3.key 2>/dev/null
openssl rsa -in rsa.key -traditional -aes128 -passout file:pass -out trad-rsa.key 2>/dev/null
pack() {
    name=$1
    shift
    openssl pkcs12 -export -out "$name.p12" "$@" 2>/dev/null
}
cat leaf.crt ca.crt >chain.crt
pack new -inkey leaf.key -in chain.crt -passout file:pass
pack old -legacy -inkey leaf.key -in chain.crt -passout file:pass
pack utf8 -inkey leaf.key -in leaf.crt -passout file:pass-utf8
pack empty -inkey leaf.key -in leaf.crt -passout pass:
pack nomac -nomac -inkey leaf.key -in leaf.crt -passout file:pass
pack nokey -nokeys -in leaf.crt -passout file:pass
pack nocert -nocerts -inkey leaf.key -passout file:pass
