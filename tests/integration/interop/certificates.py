"""Certificates for one test run, made with openssl: an authority, a server (ECDSA and RSA), clients, and strangers."""
import os
import subprocess

DAYS = "3"


class Certificates:
    """Files in `folder`: ca.crt; server.crt/.key (ECDSA); server_rsa.crt/.key; client.crt/.key with CN=`user`;
    stranger.crt/.key, of an authority that nobody knows."""

    def __init__(self, folder, user="alice"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self._authority("ca")
        self._authority("strangers")
        self._issue("server", "ca", "localhost", server=True)
        self._issue("server_rsa", "ca", "localhost", server=True, rsa=True)
        self._issue("client", "ca", user)
        self._issue("stranger", "strangers", user)

    def path(self, name):
        return os.path.join(self.folder, name)

    def _openssl(self, *words, stdin=None):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder, input=stdin, timeout=60)

    def _key(self, name, rsa=False):
        kind = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if rsa else ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        self._openssl("genpkey", "-algorithm", *kind, "-out", f"{name}.key")

    def _authority(self, name):
        self._key(name)
        self._openssl("req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN=Test authority {name}", "-days", DAYS,
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", f"{name}.crt")

    def _issue(self, name, authority, common_name, server=False, rsa=False):
        self._key(name, rsa)
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={common_name}", "-out", f"{name}.csr")
        extensions = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n"
        if server:
            extensions += "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
        else:
            extensions += "extendedKeyUsage=clientAuth\n"
        with open(self.path(f"{name}.ext"), "w") as file:
            file.write(extensions)
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
                      "-CAcreateserial", "-days", DAYS, "-extfile", f"{name}.ext", "-out", f"{name}.crt")
