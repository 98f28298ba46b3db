#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes in the folder $1, with openssl, a root, a CA with name constraints for each key of an allow rule, and leaves inside and outside of them. The table
# of test_tls_constraints_openssl.c names them. Everything is valid now.
set -eu
cd "$1"
cat >c.cnf <<'END'
[req]
distinguished_name = none
string_mask = utf8only
[none]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[permitted]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
nameConstraints = critical,permitted;DNS:example.org,permitted;email:example.org,permitted;URI:.example.org,permitted;IP:10.0.0.0/255.0.0.0,permitted;dirName:unit
[excluded]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
nameConstraints = critical,excluded;DNS:example.org,excluded;email:example.org,excluded;URI:.example.org,excluded;IP:10.0.0.0/255.0.0.0,excluded;dirName:unit,excluded;otherName:1.3.6.1.4.1.311.20.2.3;UTF8:example.org
[unit]
O = Example
OU = Payments
[leaf]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = clientAuth
END
for name in root permitted excluded leaf; do
    openssl ecparam -name prime256v1 -genkey -noout -out $name.key
done
authority() { # NAME SERIAL
    openssl req -new -config c.cnf -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA root.pem -CAkey root.key -set_serial "$2" -days 3650 -extfile c.cnf -extensions "$1" -out "$1.pem"
    openssl x509 -in "$1.pem" -outform DER -out "$1.der"
}
openssl req -new -config c.cnf -key root.key -subj "/CN=root" -out root.csr
openssl x509 -req -in root.csr -signkey root.key -days 3650 -extfile c.cnf -extensions root -out root.pem
authority permitted 2
authority excluded 3
n=10
leaf() { # NAME SUBJECT [SAN [STRING_MASK]]
    n=$((n + 1))
    sed "s/utf8only/${4:-utf8only}/" c.cnf >leaf.cnf
    openssl req -new -config leaf.cnf -key leaf.key -subj "$2" -out leaf.csr
    cp c.cnf leaf.ext
    [ -z "${3:-}" ] || echo "subjectAltName = $3" >>leaf.ext # the section of the leaf is the last
    for ca in permitted excluded; do
        openssl x509 -req -in leaf.csr -CA $ca.pem -CAkey $ca.key -set_serial $n -days 3000 -extfile leaf.ext -extensions leaf -outform DER -out "$ca-$1.der"
    done
}
unit=/O=Example/OU=Payments
leaf inside "$unit/CN=Billing Service" "DNS:a.example.org,email:x@example.org,URI:spiffe://td.example.org/a,IP:10.1.2.3"
leaf outside "/O=Other/OU=Payments/CN=Billing Service" "DNS:a.other.org,email:x@other.org,URI:spiffe://td.other.org/a,IP:11.1.2.3"
leaf cn-in "$unit/CN=web.example.org"
leaf cn-out "$unit/CN=web.other.org"
leaf cn-out-san-in "$unit/CN=web.other.org" DNS:a.example.org
leaf cn-bmp-out "$unit/CN=web.other.org" "" MASK:0x800
leaf cn-plain "$unit/CN=alice"
leaf cn-other-in "/O=Other/CN=web.example.org"
leaf cn-other-bmp-in "/O=Other/CN=web.example.org" "" MASK:0x800
leaf cn-other-out "/O=Other/CN=web.other.org"
leaf email-in "/O=Other/CN=alice/emailAddress=x@example.org"
leaf email-out "$unit/CN=alice/emailAddress=x@other.org"
leaf email-out-san-in "$unit/CN=alice/emailAddress=x@other.org" email:x@example.org
leaf email-other-out "/O=Other/CN=alice/emailAddress=x@other.org"
leaf dns-out "$unit/CN=alice" DNS:a.other.org
leaf mail-out "$unit/CN=alice" email:x@other.org
leaf uri-out "$unit/CN=alice" URI:spiffe://td.other.org/a
leaf ip-out "$unit/CN=alice" IP:11.1.2.3
leaf unit-out "/O=Example/OU=Ops/CN=alice"
leaf unit-case "/O=example/OU=PAYMENTS/CN=alice"
leaf unit-bmp "$unit/CN=alice" "" MASK:0x800
leaf upn "/O=Other/CN=alice" "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:x@other.org"
leaf other-name "/O=Other/CN=alice" "otherName:1.2.3.4;UTF8:x@other.org"
