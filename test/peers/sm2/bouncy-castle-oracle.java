// SM2 of BouncyCastle. Lines of fields parted by blanks, binary values hex, "-" for none: OP SECRET PUBLIC ID DATA SIGNATURE.
// Answers "= VALUE" or "! REASON". Signatures are DER, ciphertexts 0x04 C1 C3 C2 or (encrypt123, decrypt123) 0x04 C1 C2 C3.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.security.SecureRandom;
import org.bouncycastle.asn1.gm.GMNamedCurves;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.CipherParameters;
import org.bouncycastle.crypto.engines.SM2Engine;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.params.ParametersWithID;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.signers.SM2Signer;
import org.bouncycastle.util.encoders.Hex;

public final class BouncyCastleOracle {
    private static final X9ECParameters CURVE = GMNamedCurves.getByName("sm2p256v1");
    private static final ECDomainParameters DOMAIN = new ECDomainParameters(CURVE.getCurve(), CURVE.getG(), CURVE.getN(), CURVE.getH());
    private static final SecureRandom RANDOM = new SecureRandom();

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String reply;
            try {
                reply = "= " + answer(line.split(" "));
            } catch (Exception e) {
                reply = "! " + e.getClass().getSimpleName();
            }
            System.out.println(reply);
            System.out.flush();
        }
    }

    private static byte[] bytes(String text) {
        return text.equals("-") ? new byte[0] : Hex.decode(text);
    }

    private static String answer(String[] fields) throws Exception {
        CipherParameters secret = fields[1].equals("-") ? null : new ECPrivateKeyParameters(new BigInteger(fields[1], 16), DOMAIN);
        CipherParameters open = new ECPublicKeyParameters(CURVE.getCurve().decodePoint(bytes(fields[2])), DOMAIN);
        byte[] data = bytes(fields[4]);
        switch (fields[0]) {
            case "sign": {
                SM2Signer signer = new SM2Signer();
                signer.init(true, new ParametersWithID(new ParametersWithRandom(secret, RANDOM), bytes(fields[3])));
                signer.update(data, 0, data.length);
                return Hex.toHexString(signer.generateSignature());
            }
            case "verify": {
                SM2Signer signer = new SM2Signer();
                signer.init(false, new ParametersWithID(open, bytes(fields[3])));
                signer.update(data, 0, data.length);
                return String.valueOf(signer.verifySignature(bytes(fields[5])));
            }
            default:
                return Hex.toHexString(crypt(fields[0], secret, open, data));
        }
    }

    private static byte[] crypt(String operation, CipherParameters secret, CipherParameters open, byte[] data) throws Exception {
        SM2Engine engine = new SM2Engine(operation.endsWith("123") ? SM2Engine.Mode.C1C2C3 : SM2Engine.Mode.C1C3C2);
        boolean encrypting = operation.startsWith("encrypt");
        engine.init(encrypting, encrypting ? new ParametersWithRandom(open, RANDOM) : secret);
        return engine.processBlock(data, 0, data.length);
    }
}
