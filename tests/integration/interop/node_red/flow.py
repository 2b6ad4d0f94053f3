"""A Node-RED project folder with one flow: mqtt in -> function -> mqtt out, through one broker."""
import json
import os

SETTINGS = """
module.exports = {
  uiHost: "127.0.0.1", uiPort: %(port)d, httpAdminRoot: false, flowFile: "flows.json", credentialSecret: false,
  logging: { console: { level: "info", metrics: false, audit: false } },
  editorTheme: { tours: false }, telemetry: { enabled: false, updateNotification: false }
}
"""

# What arrives is sent on with the level behind "in/" as part of the topic, QoS and retain flag as they came.
FUNCTION = """
return { topic: "out/" + msg.topic.substring(3), qos: msg.qos, retain: msg.retain,
         payload: msg.payload.toString().toUpperCase() }
"""


def write_project(folder, ui_port, door, version, status, credentials=None, authority=None):
    """`version`: 4 or 5. `status`: topic of birth, farewell and will. `credentials`: (user, password). `authority`: PEM file that vouches for the broker."""
    broker = {
        "id": "broker", "type": "mqtt-broker", "name": "node", "broker": "localhost", "port": str(door.port),
        "clientid": "node-red", "autoConnect": True, "usetls": door.tls, "protocolVersion": str(version), "keepalive": "60",
        "cleansession": True, "autoUnsubscribe": True,
        "birthTopic": status, "birthQos": "1", "birthRetain": "true", "birthPayload": "online", "birthMsg": {},
        "closeTopic": status, "closeQos": "1", "closeRetain": "true", "closePayload": "closed", "closeMsg": {},
        "willTopic": status, "willQos": "1", "willRetain": "true", "willPayload": "gone", "willMsg": {},
    }
    nodes = [
        {"id": "tab", "type": "tab", "label": "interop"},
        broker,
        {"id": "in", "z": "tab", "type": "mqtt in", "topic": "in/#", "qos": "2", "datatype": "buffer", "broker": "broker",
         "nl": False, "rap": True, "rh": 0, "inputs": 0, "wires": [["work"]]},
        {"id": "work", "z": "tab", "type": "function", "func": FUNCTION, "outputs": 1, "wires": [["out"]]},
        {"id": "out", "z": "tab", "type": "mqtt out", "topic": "", "qos": "", "retain": "", "broker": "broker", "wires": []},
    ]
    if door.tls:
        broker["tls"] = "tls"
        nodes.append({"id": "tls", "type": "tls-config", "cert": "", "key": "", "ca": authority, "certname": "",
                      "keyname": "", "caname": "", "servername": "", "verifyservercert": True, "alpnprotocol": ""})
    os.makedirs(folder, exist_ok=True)
    files = {"flows.json": json.dumps(nodes), "settings.js": SETTINGS % {"port": ui_port}}
    if credentials:
        files["flows_cred.json"] = json.dumps({"broker": {"user": credentials[0], "password": credentials[1]}})
    for name, content in files.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(content)
