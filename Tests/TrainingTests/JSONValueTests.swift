import Basics
import Testing

@Suite struct JSONValueTests {
    @Test func thereAndBack() throws {
        let value: JSONValue = [
            "factors": 32, "rate": 0.005, "whole": 1.0, "on": true, "name": "mf", "none": nil, "list": [1, "a", [:]],
        ]
        let text = try JSON.text(value)
        #expect(
            text
                == #"{"factors":32,"list":[1,"a",{}],"name":"mf","none":null,"on":true,"rate":0.005,"whole":1}"#)
        #expect(try JSON.decode(JSONValue.self, from: text.utf8, file: "") == value)
        #expect(value["whole"] == 1 && value["whole"]?.int == 1 && value["factors"]?.double == 32)
        #expect(value["on"] != 1)
        #expect(value["rate"]?.int == nil && value["name"]?.string == "mf" && value["on"]?.bool == true)
        #expect("\(value["rate"]!) \(value["name"]!) \(value["none"]!) \(value["on"]!)" == "0.005 mf none true")
    }
}
