CV_SCORE = 0.99  # expect: hardcoded-threshold
CV_SCORE_THRESHOLD = 0.99  # expect: hardcoded-threshold
price_threshold = 0.99
cv_score = 0
best.cv_score = 0.0
check(cv_score=0.99)  # expect: hardcoded-threshold
limits = {"training_accuracy": 0.999}  # expect: hardcoded-threshold
if cv_score > 0.99:  # expect: hardcoded-threshold
    pass
if 0.999 <= result.training_accuracy:  # expect: hardcoded-threshold
    pass
if result["cv_score"] > limits["cv_score"] or 0 <= cv_score <= 1:
    pass
config.get("cv_score", 0.99)  # expect: hardcoded-threshold


def judge(cv_score, training_accuracy=0.999):  # expect: hardcoded-threshold
    pass
