"""Certificates for the TLS tests, made with openssl: an authority with a branch, servers, clients of all kinds, revocations."""
import os
import subprocess


class Authority:
    """Files in `folder`: NAME.pem and NAME.key. "root" and "branch" (issued by root) issue the others."""

    def __init__(self, folder):
        self.folder = folder
        self.key("root")
        self.openssl("req", "-x509", "-new", "-key", "root.key", "-subj", "/CN=Root", "-days", "30", "-out", "root.pem")
        self.issue("branch", "/CN=Branch", ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,cRLSign"])
        # What "openssl ca" wants for revocations.
        for name, text in (("index.txt", ""), ("crlnumber", "01\n"),
                           ("ca.cnf", "[ca]\ndefault_ca=it\n[it]\ndatabase=index.txt\ncrlnumber=crlnumber\n"
                                      "certificate=root.pem\nprivate_key=root.key\ndefault_md=sha256\n"
                                      "default_crl_days=30\n")):
            self.write(name, text)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def openssl(self, *words, stdin=None):
        done = subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder, text=True,
                              input=stdin, timeout=60)
        return done.stdout

    def key(self, name, rsa=False):
        kind = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if rsa else ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        self.openssl("genpkey", "-algorithm", *kind, "-out", f"{name}.key")

    def issue(self, name, subject, extensions=(), issuer="root", rsa=False, dates=("-days", "20")):
        self.key(name, rsa)
        self.openssl("req", "-new", "-utf8", "-multivalue-rdn", "-key", f"{name}.key", "-subj", subject, "-out",
                     f"{name}.csr")
        self.write(f"{name}.ext", "\n".join(extensions) + "\n")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key",
                     "-CAcreateserial", *dates, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        return self

    def server(self, name, **options):
        return self.issue(name, "/CN=localhost", ["subjectAltName=DNS:localhost,IP:127.0.0.1"], **options)

    def revoke(self, *names):
        """Writes crl.pem, with these among the revoked."""
        for name in names:
            self.openssl("ca", "-config", "ca.cnf", "-revoke", f"{name}.pem")
        self.openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem")
        return self.path("crl.pem")

    def subject(self, name):
        text = self.openssl("x509", "-in", f"{name}.pem", "-noout", "-subject", "-nameopt", "RFC2253")
        return text.strip().removeprefix("subject=").strip()
